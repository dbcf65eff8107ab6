"""What can go wrong between two FITS files and a list of sources."""


class BascError(ValueError):
    """Root of everything BaSC refuses; the message says what to do about it."""


class UnreadableFile(BascError):
    """A file is not FITS, is cut short, or holds no picture."""

    def __init__(self, name, reason):
        self.name, self.reason = name, reason
        super().__init__(f"cannot read {name}: {reason}")


class NotAnImage(BascError):
    """An array or file has more planes than the one BaSC looks at, or fewer than two axes."""

    def __init__(self, name, shape):
        self.name, self.shape = name, tuple(shape)
        super().__init__(
            f"{name} has shape {self.shape}; give one plane of two axes (one channel, one polarisation)"
        )


class WrongUnit(BascError):
    """The map is not in Jy/beam."""

    def __init__(self, name, unit):
        self.name, self.unit = name, unit
        said = f"in {unit!r}" if unit else "without a unit"
        super().__init__(
            f"{name} is {said}; a dirty map is needed in Jy/beam (set BUNIT, or convert the pixels)"
        )


class CellSizeMismatch(BascError):
    """Map and beam were gridded with different cells."""

    def __init__(self, map_cell, beam_cell):
        self.map_cell, self.beam_cell = tuple(map_cell), tuple(beam_cell)
        arcsec = [" x ".join(f"{abs(c) * 3600:.6g}" for c in cell) for cell in (map_cell, beam_cell)]
        super().__init__(
            f"map cells are {arcsec[0]} arcsec but beam cells {arcsec[1]} arcsec; "
            f"image both with the same cell size"
        )


class BeamTooSmall(BascError):
    """The beam does not reach across the area to be searched."""

    def __init__(self, searched_shape, beam_shape):
        self.searched_shape, self.beam_shape = tuple(searched_shape), tuple(beam_shape)
        covered = tuple(n // 2 for n in self.beam_shape)
        super().__init__(
            f"a beam of shape {self.beam_shape} covers a searched area of at most {covered} pixels, "
            f"not {self.searched_shape}; search a smaller box or make a larger beam image"
        )


class BeamOffCentre(BascError):
    """The beam's peak is not at its central pixel."""

    def __init__(self, peak, centre):
        self.peak, self.centre = tuple(peak), tuple(centre)
        super().__init__(
            f"the beam peaks at (row, column) {self.peak}, not at its centre {self.centre}; "
            f"cut it so that the peak is at pixel (rows // 2, columns // 2)"
        )


class BeamInvalid(BascError):
    """The beam has no positive peak, or has holes."""

    def __init__(self, reason):
        self.reason = reason
        super().__init__(f"the beam {reason}; give the dirty beam (psf) made together with the map")


class SearchBoxInvalid(BascError):
    """The search box is empty, or reaches outside the map."""

    def __init__(self, search, map_shape):
        self.search, self.map_shape = search, tuple(map_shape)
        super().__init__(
            f"search box {search} does not lie within a map of shape {self.map_shape}; "
            f"give two slices (rows, columns) with at least 8 pixels each"
        )


class EmptyMap(BascError):
    """There is nothing to look at: every searched pixel is NaN, or all have one value."""

    def __init__(self, reason):
        self.reason = reason
        super().__init__(f"the map {reason}; check that this is the dirty map and not a mask")


class NoiseInvalid(BascError):
    """The noise is not a positive number."""

    def __init__(self, noise):
        self.noise = noise
        super().__init__(f"noise is {noise} Jy/beam; give a positive number, or none to have it measured")


class ChannelsMismatch(BascError):
    """Channels that are to be characterised together do not show the same pixels, or not at known frequencies."""

    def __init__(self, number, what):
        self.number, self.what = number, what
        super().__init__(
            f"channel {number} {what}; channels of one field need the same pixels, the same searched area and, "
            "each, a frequency"
        )


class MaskMismatch(BascError):
    """The mask has another shape than the map."""

    def __init__(self, map_shape, mask_shape):
        self.map_shape, self.mask_shape = tuple(map_shape), tuple(mask_shape)
        super().__init__(
            f"mask of shape {self.mask_shape} does not fit a map of shape {self.map_shape}; "
            f"give one value for each pixel of the map, True where no source is to be looked for"
        )


class WeightsUnknown(BascError):
    """The weights of a map cannot be undone."""

    def __init__(self, reason):
        self.reason = reason
        super().__init__(f"the weights cannot be turned back to natural ones: {reason}")


class PrimaryBeamMismatch(BascError):
    """The primary beam has another shape than the map."""

    def __init__(self, map_shape, primary_beam_shape):
        self.map_shape, self.primary_beam_shape = tuple(map_shape), tuple(primary_beam_shape)
        super().__init__(
            f"primary beam of shape {self.primary_beam_shape} does not fit a map of shape {self.map_shape}; "
            f"give the flux image written with this map"
        )


class PrimaryBeamHole(BascError):
    """The primary beam has invalid pixels in the midst of valid ones."""

    def __init__(self, count, row, column):
        self.count, self.row, self.column = count, row, column
        super().__init__(
            f"the primary beam is NaN, zero or negative in {count} pixels inside the searched area, "
            f"first at row {row}, column {column}; only its outskirts may be blank"
        )


class SettingInvalid(BascError):
    """A parameter of the search makes no sense."""

    def __init__(self, name, value, wanted):
        self.name, self.value, self.wanted = name, value, wanted
        super().__init__(f"{name} is {value}; it must be {wanted}")


class PackageMissing(BascError):
    """Something was asked for that takes a package which is not installed."""

    def __init__(self, wanted, package, extra):
        self.wanted, self.package, self.extra = wanted, package, extra
        super().__init__(f"{wanted} needs {package}, which is not installed: pip install 'stoa[{extra}]'")
