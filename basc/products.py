"""What a characterisation leaves on disk: catalogue, posterior samples, images, and how it was done."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from astropy.io import fits

from basc.errors import PackageMissing, SettingInvalid
from basc.reading import META
from basc.writing import FORMATS, check_suffix, whole_file

SUFFIXES = {
    "catalogue": "sources.vot",
    "samples": "samples.fits",
    "posterior_mean": "posterior_mean.fits",
    "model": "model.fits",
    "residual": "residual.fits",
    "summary": "summary.json",
}
IMAGES = {  # unit, and what the header says it is
    "posterior_mean": ("Jy/pixel", "mean of the sources of all samples"),
    "model": ("Jy/beam", "catalogued sources through the dirty beam"),
    "residual": ("Jy/beam", "dirty map minus model"),
}
ATOM_UNITS = {
    "x": "pix",
    "y": "pix",
    "flux": "Jy",
    "major": "pix",
    "ratio": None,
    "angle": "rad",
    "index": None,
}
SAMPLE_SUFFIXES = (".fits", ".parquet")


def write_products(result, folder, stem):
    """Write everything that is known about a map: six files, or none.

    Parameters
    ----------
    result : Characterisation
    folder : path
        Made if absent; files of these names are replaced.
    stem : str
        How their names begin; `SUFFIXES` says how they end.

    Returns
    -------
    dict of str to `pathlib.Path`
        ``catalogue``, ``samples`` (see `samples_hdus`), ``posterior_mean``, ``model``, ``residual`` (see
        `image_hdu`) and ``summary`` (see `summary`).

    Raises
    ------
    SettingInvalid
        If the stem is not the beginning of a file name.
    OSError
        If the folder cannot be written to.
    """
    if not stem or Path(stem).name != stem:
        raise SettingInvalid("the stem of the products", repr(stem), "the beginning of a file name")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{stem}.{suffix}" for name, suffix in SUFFIXES.items()}
    with ExitStack() as stack:
        # All are complete before the first of them gets its name.
        unfinished = {name: stack.enter_context(whole_file(path)) for name, path in paths.items()}
        result.sources.write(unfinished["catalogue"], overwrite=True, **FORMATS[".vot"])
        samples_hdus(result).writeto(unfinished["samples"], overwrite=True)
        for name in IMAGES:
            image_hdu(result, name).writeto(unfinished[name], overwrite=True)
        unfinished["summary"].write_text(summary_text(result), encoding="utf-8")
    return paths


# ------------------------------------------------------------------ images


def image_hdu(result, name):
    """One of `IMAGES` as FITS, in 32 bit, with the coordinates of the searched area.

    Parameters
    ----------
    result : Characterisation
    name : str

    Returns
    -------
    `astropy.io.fits.PrimaryHDU`
        `MAPX` and `MAPY` in its header are where its first pixel lies in the map. The same result makes the same
        bytes.
    """
    unit, what = IMAGES[name]
    header = fits.Header()
    if result.wcs is not None:
        header = result.wcs.to_header()
    for key in META:
        if key in result.sources.meta:
            header[key] = result.sources.meta[key]
    header["BUNIT"] = unit
    header["MAPX"] = (result.searched[1].start, "[pix] column of the map that is the first here")
    header["MAPY"] = (result.searched[0].start, "[pix] row of the map that is the first here")
    _describe(header, result, what)
    return fits.PrimaryHDU(getattr(result, name)().astype(np.float32), header)


def _describe(header, result, what):
    header["NOISE"] = (result.noise, "[Jy/beam]")
    header["SEED"] = (result.seed, "of the random numbers")
    header["CONVERGE"] = (result.converged, "whether the chains agree")
    header["CREATOR"] = f"basc {result.versions.get('basc', '')}".strip()
    header["COMMENT"] = what


# ------------------------------------------------------------------ samples


def write_samples(result, path):
    """Write the posterior's samples as FITS (see `samples_hdus`) or Parquet (see `samples_table`), by the suffix.

    Raises
    ------
    SettingInvalid
        If the suffix is neither .fits nor .parquet.
    PackageMissing
        If Parquet is asked for without pyarrow.
    OSError
        If the folder cannot be written to.
    """
    if check_suffix("the samples'", path, SAMPLE_SUFFIXES) == ".fits":
        with whole_file(path) as unfinished:
            samples_hdus(result).writeto(unfinished, overwrite=True)
    else:
        check_package(path)
        from pyarrow import parquet

        table = samples_table(result)
        with whole_file(path) as unfinished:
            parquet.write_table(table, unfinished, compression="zstd")


def check_package(path):
    """Refuse to promise a file of samples for which a package is missing."""
    if check_suffix("the samples'", path, SAMPLE_SUFFIXES) == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise PackageMissing("a .parquet file", "pyarrow", "parquet") from None


def samples_hdus(result):
    """The posterior's samples as two FITS tables: SOURCES, a row per source and sample; SAMPLES, a row per sample.

    SOURCES has `sample`, `chain`, `x`, `y` (pixels of the map, from 0) and apparent `flux` (Jy), and, where sources
    may be extended or several channels were seen, what `basc.sampling.NATURE` names; SAMPLES has `sample`, `chain`,
    `size` (its number of sources, which may be none) and `ln_likelihood` (over that of no source).

    Returns
    -------
    `astropy.io.fits.HDUList`
    """
    samples = result.samples
    number, atoms = np.arange(len(samples.size)), _atoms(samples)
    owner = np.repeat(number, samples.size)
    sources = [
        fits.Column("sample", "J", array=owner),
        fits.Column("chain", "I", array=samples.chain[owner]),
        *(fits.Column(name, "E", unit=ATOM_UNITS[name], array=array) for name, array in atoms.items()),
    ]
    sets = [
        fits.Column("sample", "J", array=number),
        fits.Column("chain", "I", array=samples.chain),
        fits.Column("size", "J", array=samples.size),
        fits.Column("ln_likelihood", "D", array=samples.ln_likelihood),
    ]
    primary = fits.PrimaryHDU()
    _describe(primary.header, result, "samples of the posterior")
    return fits.HDUList(
        [
            primary,
            fits.BinTableHDU.from_columns(sources, name="SOURCES"),
            fits.BinTableHDU.from_columns(sets, name="SAMPLES"),
        ]
    )


def samples_table(result):
    """The posterior's samples as a `pyarrow.Table`: a row each, with lists of what `samples_hdus` has in SOURCES."""
    import pyarrow

    samples = result.samples
    ends = pyarrow.array(np.concatenate([[0], np.cumsum(samples.size)]).astype(np.int32))
    columns = {
        "sample": pyarrow.array(np.arange(len(samples.size), dtype=np.int32)),
        "chain": pyarrow.array(samples.chain.astype(np.int16)),
        "size": pyarrow.array(samples.size.astype(np.int32)),
        "ln_likelihood": pyarrow.array(samples.ln_likelihood),
    }
    for name, values in _atoms(samples).items():
        columns[name] = pyarrow.ListArray.from_arrays(ends, pyarrow.array(values))
    facts = {"basc": json.dumps(plain(result.versions | {"seed": result.seed, "noise": result.noise}))}
    return pyarrow.table(columns).replace_schema_metadata(facts)


def _atoms(samples):
    """x, y, flux and nature of all sources of all samples, one after the other, in 32 bit."""
    there = np.arange(samples.x.shape[1]) < samples.size[:, None]
    columns = {"x": samples.x, "y": samples.y, "flux": samples.flux} | samples.nature
    return {name: column[there].astype(np.float32) for name, column in columns.items()}


# ------------------------------------------------------------------ summary


def summary(result):
    """Everything but images and samples, as what JSON can hold; what is not a number is None.

    Returns
    -------
    dict
        ``sources`` (a dict each, plain numbers in ``units``), ``noise``, ``effective_noise`` (Jy/beam), ``searched``,
        ``n_posterior``, ``ln_evidence``, ``converged``, ``not_converged``, ``settings``, ``versions``,
        ``diagnostics``.
    """
    names = result.sources.colnames
    columns = [result.sources[name].value.tolist() for name in names]
    return plain(
        {
            "sources": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
            "units": {name: str(result.sources[name].unit or "") for name in names},
            "noise": result.noise,
            "effective_noise": result.effective_noise,
            "searched": {
                name: [part.start, part.stop]
                for name, part in zip(("rows", "columns"), result.searched, strict=True)
            },
            "n_posterior": result.n_posterior,
            "ln_evidence": result.ln_evidence,
            "converged": result.converged,
            "not_converged": result.not_converged,
            "settings": result.settings,
            "versions": result.versions,
            "diagnostics": result.diagnostics,
        }
    )


def summary_text(result):
    """`summary` as JSON."""
    return json.dumps(summary(result), indent=2, allow_nan=False) + "\n"


def plain(value):
    """The same with nothing but what JSON has; what is not a finite number becomes None."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
