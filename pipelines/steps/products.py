"""From a product folder to the files of one image: map, beam, primary beam, and what the header says."""

import warnings

from astropy.wcs import WCS, FITSFixedWarning

from archive.alma import band_of, file_type_of, find_group
from archive.errors import ArchiveError, FolderMissing
from archive.folders import resolve_in
from archive.headers import check_fits, frequency_of, manifest_of
from pipelines.contract import Port, StepFailed
from pipelines.registry import step


@step(
    "products",
    title="Product folder",
    inputs=[
        Port("folder", "text", description="product folder, relative to the project's folder", ucd="meta.file"),
        Port("group", "text", description="image group: the common beginning of its file names", ucd="meta.id"),
    ],
    outputs=[
        Port("image", "product", description="dirty map (else the image there is)", ucd="meta.file"),
        Port("beam", "product", required=False, description="dirty beam made with it", ucd="meta.file"),
        Port("primary_beam", "product", required=False, description="response of the antennas", ucd="meta.file"),
        Port("object", "text", required=False, role="metadata", description="what was observed", ucd="meta.id;src"),
        Port(
            "band", "text", required=False, role="metadata", ucd="instr.bandpass",
            description="ALMA band by number; at lower frequencies the letter of the radio band",
        ),
        Port("frequency", "float", "GHz", "em.freq", "middle of the band", required=False, role="metadata"),
        Port(
            "position", "position", "deg", "pos.eq;meta.main", "reference position of the map (ICRS)",
            required=False, role="metadata",
        ),
    ],
    uses=["archive.alma", "archive.headers", "archive.folders"],
    deterministic=False,
)  # fmt: skip
def products(inputs, parameters, context):
    """Take the files of one image group into the project: map, dirty beam and primary beam.

    The folder is one of an ALMA delivery (``.../member.*/product``), or any folder whose files end in
    ``.dirty.fits``, ``.psf.fits`` and ``.flux.fits`` or ``.pb.fits``. Every file is checked to be whole.
    The step reads the disk, so it is run again when asked, and never taken from the memo.
    """
    try:
        folder = resolve_in(context.folder, inputs["folder"])
        if not folder.is_dir():
            raise FolderMissing(inputs["folder"])
        group = find_group(folder, inputs["group"], shown_as=inputs["folder"])
        outputs, header = {}, None
        for name in ("image", "beam", "primary_beam"):
            path = getattr(group, name)
            if path is None:
                context.log(f"no {name.replace('_', ' ')} in group {group.name}")
                outputs[name] = None
                continue
            path = resolve_in(context.folder, path.relative_to(context.folder.resolve()))
            data = path.read_bytes()
            found = check_fits(data, path.name)
            header = found if name == "image" else header
            outputs[name] = context.keep(
                data, path.name, header={"FILETYPE": file_type_of(path), **manifest_of(found)}
            )
            context.log(f"{name.replace('_', ' ')}: {path.name}, {len(data)} bytes")
    except ArchiveError as error:
        raise StepFailed(str(error)) from error
    except OSError as error:
        raise StepFailed(
            f"cannot read “{error.filename}”: {error.strerror}; check its permissions"
        ) from error
    frequency = frequency_of(header)
    return outputs | {
        "object": str(header.get("OBJECT", "")).strip() or None,
        "band": band_of(frequency) or None,
        "frequency": frequency,
        "position": reference_position(header),
    }


def reference_position(header):
    """Return the position (ra, dec) of the reference pixel in ICRS degrees, or None if there is no sky."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            wcs = WCS(header).celestial
            x, y = wcs.wcs.crpix - 1
            sky = wcs.pixel_to_world(x, y).icrs
    except Exception:  # a header without a sky costs the position, not the files
        return None
    return float(sky.ra.deg), float(sky.dec.deg)
