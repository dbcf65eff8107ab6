"""ALMA deliveries on disk: product folders, and the files in them that belong to one image.

A delivery is ``project/science_goal.*/group.*/member.*/product/``; any other folder of FITS files with such
names is read in the same way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits

from archive.errors import FolderMissing, GroupMissing
from archive.headers import check_fits, manifest_of

# What a file is by its ending, the preferred first: BaSC wants the map before deconvolution and correction.
IMAGE_ENDINGS = (".dirty.fits", ".image.fits", ".image.pbcor.fits", ".pbcor.fits")
BEAM_ENDINGS = (".psf.fits",)
PRIMARY_BEAM_ENDINGS = (".flux.fits", ".pb.fits")
FILE_TYPES = {
    ".dirty.fits": "dirtyImage",
    ".image.fits": "image",
    ".image.pbcor.fits": "correctedImage",
    ".pbcor.fits": "correctedImage",
    ".psf.fits": "beam",
    ".flux.fits": "primaryBeam",
    ".pb.fits": "primaryBeam",
}

# Receiver bands of ALMA in GHz; where two overlap, the one that has been in use longer comes first.
ALMA_BANDS = (
    ("3", 84.0, 116.0), ("1", 35.0, 50.0), ("2", 67.0, 116.0), ("4", 125.0, 163.0), ("5", 163.0, 211.0),
    ("6", 211.0, 275.0), ("7", 275.0, 373.0), ("8", 385.0, 500.0), ("9", 602.0, 720.0), ("10", 787.0, 950.0),
)  # fmt: skip
# Below ALMA: the letters of IEEE 521, as radio astronomers use them.
LETTER_BANDS = (
    ("P", 0.23, 1.0), ("L", 1.0, 2.0), ("S", 2.0, 4.0), ("C", 4.0, 8.0), ("X", 8.0, 12.0), ("Ku", 12.0, 18.0),
    ("K", 18.0, 26.5), ("Ka", 26.5, 35.0),
)  # fmt: skip


@dataclass(frozen=True)
class ProductGroup:
    """The files of one image: the image itself, its dirty beam and its primary beam, where they exist."""

    name: str
    image: Path
    beam: Path | None = None
    primary_beam: Path | None = None
    others: tuple[Path, ...] = ()
    _header: list = field(default_factory=list, repr=False, compare=False)

    @property
    def header(self) -> fits.Header:
        """The header of the image; the file is read once, and checked to be whole FITS."""
        if not self._header:
            self._header.append(check_fits(self.image.read_bytes(), self.image.name))
        return self._header[0]

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest's keys of the image."""
        return {"FILETYPE": file_type_of(self.image), **manifest_of(self.header)}


def find_product_folders(root: Path) -> list[str]:
    """Return the product folders below `root`, as sorted relative paths; ``"."`` if it holds images itself."""
    root = Path(root)
    if not root.is_dir():
        raise FolderMissing(root.name)
    deliveries = {
        path.relative_to(root).as_posix()
        for path in root.glob("**/science_goal.*/group.*/member.*/product")
        if path.is_dir()
    }
    own = ["."] if find_groups(root) else []
    return own + sorted(deliveries)


def find_groups(folder: Path) -> list[ProductGroup]:
    """Return the image groups of a product folder, by name."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FolderMissing(folder.name)
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        stem, ending = split_name(path.name)
        if ending and path.is_file():
            files.setdefault(stem, {})[ending] = path
    return list(make_groups(files))


def find_group(folder: Path, name: str, shown_as: str = "") -> ProductGroup:
    """Return one group of a product folder, or raise `GroupMissing` naming those there are."""
    groups = {group.name: group for group in find_groups(folder)}
    if name not in groups:
        raise GroupMissing(shown_as or Path(folder).name, name, groups)
    return groups[name]


def make_groups(files: dict[str, dict[str, Path]]) -> Iterator[ProductGroup]:
    """Yield a group for every stem that has an image."""
    for stem, found in sorted(files.items()):
        image = first_of(found, IMAGE_ENDINGS)
        if image is None:
            continue
        beam, primary_beam = first_of(found, BEAM_ENDINGS), first_of(found, PRIMARY_BEAM_ENDINGS)
        used = {image, beam, primary_beam}
        others = tuple(path for path in found.values() if path not in used)
        yield ProductGroup(stem, image, beam, primary_beam, others)


def first_of(found: dict[str, Path], endings: tuple[str, ...]) -> Path | None:
    """Return the file with the first of these endings that is there."""
    return next((found[ending] for ending in endings if ending in found), None)


def split_name(name: str) -> tuple[str, str]:
    """Return stem and known ending of a file's name; no ending if it is of no kind we know."""
    for ending in sorted(FILE_TYPES, key=len, reverse=True):
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending), ending
    return name, ""


def file_type_of(path: Path) -> str:
    """Return what a file is, in the words of the product manifest."""
    return FILE_TYPES.get(split_name(path.name)[1], "")


def band_of(frequency: float | None) -> str:
    """Return the band of a frequency in GHz: ALMA's number, below ALMA's range a letter, else nothing."""
    if frequency is None:
        return ""
    for name, low, high in (*ALMA_BANDS, *LETTER_BANDS):
        if low <= frequency < high:
            return name
    return ""
