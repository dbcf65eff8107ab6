"""The simulated fields: which groups there are, how many fields, and what is in each.

Beam 6 pixels wide (`basc.simulate`'s default array), noise 1 mJy/beam, primary beam 1.2 times as wide as the searched
area, which is the inner half of the file. An SNR is apparent flux over noise. Sources lie between the pixels, at least
one beam from the edge of the searched area.

Seeds follow from `SEED`, the name of the group and the number of the field, and from nothing else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from basc.simulate import observe

SEED = 20_260_101
NOISE = 1e-3  # Jy/beam
BEAM = 6.0  # pixels, FWHM
FAINT = 10.0  # SNR of the fainter source of a pair
CROWD = 5.0, 50.0  # SNR, log-uniform
LISTED = 12.0  # SNR of all sources where only cost is asked for

SINGLE_SNRS = 4, 5, 6, 8, 12, 20, 50, 100
BRIGHT_SNRS = 200, 400, 1000, 3000
RATIOS = 1, 10, 40
SEPARATIONS = 0.3, 0.5, 0.75, 1.0, 1.5, 2.0
SCALED_AREAS = 64, 128, 256, 512
SCALED_NUMBERS = 0, 1, 3, 10, 30, 60


@dataclass(frozen=True)
class Group:
    """Fields that differ by chance only.

    Attributes
    ----------
    name, family : str
    area : int
        Side of the searched square, in pixels; that of the file is twice as much.
    n_fields, n_peer_fields : int
        How many for BaSC, and how many for the other finders.
    draw : callable
        Of (rng, area), gives sources as an array (n, 3): x, y in pixels of the area, SNR.
    noise_known : bool
        Whether finders are given the noise.
    facts : dict
        What the group is about: snr, ratio, separation, number.
    seeds : int
        How many seeds of the finder's own each field is repeated with.
    """

    name: str
    family: str
    area: int
    n_fields: int
    n_peer_fields: int
    draw: callable
    noise_known: bool = True
    facts: dict = field(default_factory=dict)
    seeds: int = 1


@dataclass(frozen=True)
class Field:
    """One simulated field, and what there is to find: x, y (pixels of the file), apparent flux (Jy)."""

    observed: object
    truth: np.ndarray
    noise: float | None
    seed: int


def make_field(group, number):
    """The field of this number in its group; the same each time."""
    stream = np.random.SeedSequence([SEED, zlib.crc32(group.name.encode()), number])
    rng = np.random.default_rng(stream)
    truth = np.array(group.draw(rng, group.area), dtype=float).reshape(-1, 3)
    truth[:, :2] += group.area // 2
    truth[:, 2] *= NOISE
    observed = observe_apparent(truth, group.area, rng)
    return Field(observed, truth, NOISE if group.noise_known else None, int(stream.generate_state(1)[0]))


def observe_apparent(sources, area, rng):
    """Observe sources of given apparent flux (x, y in pixels of the file, Jy)."""
    intrinsic = np.array(sources, dtype=float).reshape(-1, 3)
    intrinsic[:, 2] /= response(intrinsic[:, 0], intrinsic[:, 1], area)
    return observe_intrinsic(intrinsic, area, rng)


def observe_intrinsic(sources, area, rng):
    """The same for intrinsic flux."""
    return observe(
        sources, rng=rng, pixels=2 * area, beam_fwhm=BEAM, noise=NOISE, primary_beam_fwhm=1.2 * area
    )


def response(x, y, area):
    """The primary beam at pixels of the file."""
    return np.exp(-4 * np.log(2) * (np.square(x - area) + np.square(y - area)) / (1.2 * area) ** 2)


def all_groups():
    """Every group, in the order of the tables."""
    groups = [
        Group(f"empty-{area}", "empty", area, n_fields, 100, scattered(0), facts={"area": area})
        for area, n_fields in ((64, 200), (128, 500), (256, 200))
    ]
    groups += [
        Group(f"single-{snr}", "single", 128, 500, 100, scattered(1, snr), facts={"snr": snr})
        for snr in SINGLE_SNRS
    ]
    groups += [
        Group(
            f"pair-{ratio}to1-{separation:g}",
            "pair",
            64,
            500,
            50,
            two_sources(ratio, separation),
            facts={"ratio": ratio, "separation": separation},
        )
        for ratio in RATIOS
        for separation in SEPARATIONS
    ]
    groups += [
        Group(
            f"crowd-{number}-{area}-{how}",
            "crowd",
            area,
            100,
            50,
            scattered(number, CROWD, apart=apart),
            facts={"number": number, "area": area, "apart": apart},
        )
        for apart, how in ((BEAM, "apart"), (0.0, "anywhere"))
        for number, area in ((10, 128), (20, 128), (30, 128), (30, 256))
    ]
    groups += [
        Group(f"bright-{snr}", "bright", 128, 200, 50, scattered(1, snr), facts={"snr": snr})
        for snr in BRIGHT_SNRS
    ]
    groups.append(Group("measured-20", "measured", 128, 200, 50, scattered(1, 20), False, facts={"snr": 20}))
    groups += [
        Group(
            f"pixels-{area}",
            "pixels",
            area,
            5,
            5,
            scattered(3, LISTED, apart=BEAM),
            facts={"area": area, "number": 3},
        )
        for area in SCALED_AREAS
    ]
    groups += [
        Group(
            f"sources-{number}",
            "sources",
            128,
            5,
            5,
            scattered(number, LISTED, apart=BEAM),
            facts={"area": 128, "number": number},
        )
        for number in SCALED_NUMBERS
    ]
    groups += [
        Group("seeds-single-12", "seeds", 128, 100, 0, scattered(1, 12), facts={"number": 1}, seeds=4),
        Group(
            "seeds-crowd-20",
            "seeds",
            128,
            10,
            0,
            scattered(20, CROWD, apart=BEAM),
            facts={"number": 20},
            seeds=4,
        ),
    ]
    return groups


def scattered(number, snr=1.0, apart=0.0):
    """`number` sources anywhere, of one SNR or log-uniform between two, at least so many pixels apart."""
    lowest, highest = snr if isinstance(snr, tuple) else (snr, snr)

    def draw(rng, area):
        places = []
        while len(places) < number:
            place = rng.uniform(BEAM, area - 1 - BEAM, size=2)
            if all(np.hypot(*(place - other)) >= apart for other in places):
                places.append(place)
        snrs = lowest * (highest / lowest) ** rng.random(number)
        return [(x, y, snr) for (x, y), snr in zip(places, snrs, strict=True)]

    return draw


def two_sources(ratio, separation):
    """A source of SNR `FAINT` and one `ratio` times brighter, `separation` beams apart in any direction."""

    def draw(rng, area):
        while True:
            bright = rng.uniform(BEAM, area - 1 - BEAM, size=2)
            angle = rng.uniform(0, 2 * np.pi)
            faint = bright + separation * BEAM * np.array([np.cos(angle), np.sin(angle)])
            if (faint >= BEAM).all() and (faint <= area - 1 - BEAM).all():
                return [(*bright, ratio * FAINT), (*faint, FAINT)]

    return draw
