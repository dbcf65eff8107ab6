"""The real map: M87 at 8 GHz with the VLBA, whose truth is not known, against a deep CLEAN of the same area."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

import basc
from basc.images import core_axes
from benchmarks.basc.clean import clean
from benchmarks.basc.finders import PER_SIGMA, finite_numbers_in

STEM = "m87_vlba_8ghz"
DEPTHS = 3.0, 2.0, 1.5, 1.0  # times the noise


class NoTestData(Exception):
    """STOA_TEST_DATA does not name the folder with the real map."""


def measure_m87(seed=1):
    """Core and total flux as BaSC and as CLEAN have them.

    Returns
    -------
    dict
        beam (FWHM, pixels), noise, n_sources, basc_flux (sum of the catalogue), cpu; core_flux and core_distance
        (of the brightest source; from the centre, in beams), core_group_flux and core_group_distance (of everything
        within one beam of the centre, taken together); clean_flux and clean_components (per depth: the sum of
        the components, and how many pixels hold them); notes (diagnostics).
    """
    folder = Path(os.environ.get("STOA_TEST_DATA", ""))
    paths = [folder / f"{STEM}.{kind}.fits" for kind in ("dirty", "psf", "flux")]
    if not all(path.exists() for path in paths):
        raise NoTestData(f"no {paths[0].name} in the folder STOA_TEST_DATA names")
    dirty_map = basc.DirtyMap.from_fits(*paths)
    basc.warm_up()
    before = time.process_time()
    result = basc.characterise(dirty_map, seed=seed)
    cpu = time.process_time() - before

    beam = PER_SIGMA * np.sqrt(abs(np.linalg.det(core_axes(dirty_map.beam))))
    centre = np.array([n // 2 for n in dirty_map.data.shape[::-1]])
    x, y, flux = (np.array(result.sources[name].value) for name in ("x", "y", "flux"))
    distance = np.hypot(x - centre[0], y - centre[1]) / beam
    answer = {
        "beam": float(beam),
        "noise": float(result.noise),
        "n_sources": len(flux),
        "basc_flux": float(flux.sum()),
        "cpu": cpu,
        "notes": finite_numbers_in(result.diagnostics),
        "clean_flux": {},
        "clean_components": {},
    }
    if len(flux):
        near = distance <= 1.0
        weight = flux[near] / flux[near].sum() if near.any() else flux[near]
        answer |= {
            "core_flux": float(flux[np.argmax(flux)]),
            "core_distance": float(distance[np.argmax(flux)]),
            "core_group_flux": float(flux[near].sum()),
            "core_group_distance": float(
                np.hypot((weight * x[near]).sum() - centre[0], (weight * y[near]).sum() - centre[1]) / beam
            ),
        }
    searched = np.ascontiguousarray(np.nan_to_num(dirty_map.searched_data))
    for depth in DEPTHS:
        components, _ = clean(searched, dirty_map.beam, result.noise, depth)
        answer["clean_flux"][f"{depth:g}"] = float(components.sum())
        answer["clean_components"][f"{depth:g}"] = int((components != 0).sum())
    return answer
