"""What sources are besides bright: their first shapes, and what samples say of shapes and spectra."""

from __future__ import annotations

import math

import numpy as np

from basc import kernels
from basc.sampling import energy_of
from basc.shapes import ANGLE, INDEX, MAJOR, OWN, RATIO, ROWS, TAIL

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
GATHERED = 2.0  # beams (FWHM): how far from a source others may be parts of the same extended one
WORTH = 4.0  # nats that a source more must gain to be kept beside an extended one
BRIGHT = 6.0  # noises, from which a source is worth a first shape
SWEEPS = 14
FEWEST = 5  # samples, of which a mean is taken


def with_nature(field, detail, points, n, noise):
    """A start of points as one of sources with shapes and spectra.

    Where shapes are believed in, each bright source and what is near it is tried as one Gaussian, of which the place
    and the shape are searched coordinate by coordinate; it is kept where it explains as much. The chain decides.

    Parameters
    ----------
    field : `basc.kernels.Field`
    detail : `basc.shapes.Detail`
    points : float64 array, shape (6, max_sources)
    n : int
    noise : float

    Returns
    -------
    state : float64 array, shape (`basc.shapes.ROWS`, max_sources)
    n : int
    """
    state = np.zeros((ROWS, points.shape[1]))
    state[:3] = points[:3]
    state[RATIO], state[INDEX], state[OWN] = 1.0, detail.index_prior[0], 1.0
    if len(detail.weights) == 1:
        state[INDEX] = 0.0
    if detail.shape_prior[0] <= 0.0:
        return state, n
    for x, y in points[:2, np.argsort(-points[kernels.FLUX, :n])].T:
        k = int(np.argmin(np.square(state[:2, :n].T - [x, y]).sum(axis=1))) if n else -1
        # What another one has taken in is gone.
        if k >= 0 and state[0, k] == x and state[1, k] == y and state[kernels.FLUX, k] > BRIGHT * noise:
            state, n = _gather(field, detail, state, n, k, noise)
    return state, n


def _gather(field, detail, state, n, k, noise):
    """The state with a source and its neighbours made one Gaussian, if that explains as much."""
    offsets = field.inverse_axes @ (state[:2, :n] - state[:2, k, None]) / FWHM_PER_SIGMA
    near = (np.square(offsets).sum(axis=0) < GATHERED**2) & (state[MAJOR, :n] <= 0.0)
    near[k] = True
    others = state[:, :n][:, ~near]
    rest = np.zeros_like(state)
    rest[RATIO] = 1.0
    n_rest = others.shape[1]
    rest[:, :n_rest] = others
    rest[:, n_rest] = state[:, k]
    weights = np.maximum(state[kernels.FLUX, :n][near], 0.0)
    centre = state[:2, :n][:, near] @ weights / weights.sum()
    best = _fit(field, detail, rest, n_rest, [centre, state[:2, k]])
    gathered = rest.copy()
    _set(gathered, n_rest, best)
    value, *_ = kernels.look(field, detail, gathered, n_rest, n_rest, -1)
    gathered[kernels.FLUX, n_rest] = value / gathered[OWN, n_rest]
    before, after = (
        energy_of(field, each, number, detail) / noise**2
        for each, number in ((state, n), (gathered, n_rest + 1))
    )
    if gathered[kernels.FLUX, n_rest] > 0 and after > before - WORTH * (np.count_nonzero(near) - 1):
        return gathered, n_rest + 1
    return state, n


def _fit(field, detail, state, k, places):
    """Place, log of the major axis, ratio and angle of the Gaussian at column k that explains most."""
    _, least, largest, flattest = detail.shape_prior
    area = field.median

    def worth(trial):
        x, y, ln_major, ratio, _ = trial
        i, j = math.floor(x + 0.5), math.floor(y + 0.5)
        inside = 0 <= i < area.shape[1] and 0 <= j < area.shape[0] and area[j, i] > 0
        if not (inside and least <= ln_major <= largest and flattest <= ratio <= 1.0):
            return -math.inf
        _set(state, k, trial)
        value, *_ = kernels.look(field, detail, state, k, k, -1)
        return value * abs(value) / state[OWN, k]

    width = 0.5 * math.sqrt(abs(float(np.linalg.det(field.axes))))
    starts = [
        np.array([*place, ln_major, ratio, angle])
        for place in places
        for ln_major, ratio, angle in [(0.5 * (least + largest), 0.9, 0.0)]
        + [(0.3 * least + 0.7 * largest, 0.5, turn) for turn in (0.0, 0.8, 1.6, 2.4)]
    ]
    best = max(starts, key=worth)
    value = worth(best)
    steps = np.array([width, width, 0.4, 0.25, 0.5])
    for _ in range(SWEEPS):
        moved = False
        for axis in range(5):
            for sign in (1.0, -1.0):
                trial = best.copy()
                trial[axis] += sign * steps[axis]
                if (found := worth(trial)) > value:
                    best, value, moved = trial, found, True
                    break
        if not moved:
            steps *= 0.5
    return best


def _set(state, k, trial):
    x, y, ln_major, ratio, angle = trial
    state[:2, k] = x, y
    state[MAJOR, k], state[RATIO, k], state[ANGLE, k] = math.exp(ln_major), ratio, angle % math.pi


def natures_of(members, natures, *, extended, spectral):
    """What samples say of the shape and the spectrum of each source.

    Parameters
    ----------
    members : int64 array, shape (n, n_samples)
        Which source of each sample is this one; -1 for none.
    natures : float64 array, shape (n_samples, 4, max_sources)
        As `basc.sampling.NATURE` names them.
    extended, spectral : bool
        What was asked for.

    Returns
    -------
    dict of str to float64 array, shape (n,)
        ``probability_extended``; of the samples in which it is: ``major``, ``minor`` (FWHM, pixels), ``angle`` (radians
        from x to y) and their ``sigma_...``; ``spectral_index`` and ``sigma_spectral_index``. NaN where too few samples
        say anything.
    """
    rows: list[dict[str, float]] = []
    for which in members:
        there = which >= 0
        major, ratio, angle, index = natures[there, :, which[there]].T
        wide = major > 0
        row = {}
        if extended:
            row["probability_extended"] = float(wide.mean()) if wide.size else math.nan
            axes = FWHM_PER_SIGMA * major[wide]
            row |= _moments("major", axes) | _moments("minor", axes * ratio[wide])
            middle = 0.5 * float(np.angle(np.exp(2j * angle[wide]).sum())) if wide.any() else math.nan
            turned = (angle[wide] - middle + 0.5 * math.pi) % math.pi - 0.5 * math.pi
            spread = float(np.sqrt(np.mean(np.square(turned)))) if wide.sum() >= FEWEST else math.nan
            row |= {"angle": middle if wide.sum() >= FEWEST else math.nan, "sigma_angle": spread}
        if spectral:
            row |= _moments("spectral_index", index)
        rows.append(row)
    names = list(rows[0]) if rows else _names(extended, spectral)
    return {name: np.array([row[name] for row in rows], dtype=float) for name in names}


def _moments(name, values):
    if len(values) < FEWEST:
        return {name: math.nan, f"sigma_{name}": math.nan}
    return {name: float(values.mean()), f"sigma_{name}": float(values.std(ddof=1))}


def _names(extended, spectral):
    names = []
    if extended:
        names += ["probability_extended"] + [
            prefix + name for name in ("major", "minor", "angle") for prefix in ("", "sigma_")
        ]
    return names + ["spectral_index", "sigma_spectral_index"] * spectral


def as_points(detail, x, y, flux, nature):
    """Sources as the points that make them up in each channel.

    Parameters
    ----------
    detail : `basc.shapes.Detail`
    x, y, flux : float64 arrays, shape (n,)
        Pixels of the box; Jy at the reference frequency.
    nature : dict of str to float64 array, shape (n,)
        As of `natures_of`. What is more likely a point is one.

    Returns
    -------
    list of float64 array, shape (3, n_points)
        Per channel: x, y and flux.
    """
    shares = [lattice(*shape) for shape in shapes_of(nature, len(x))]
    channels = []
    for channel, ln_frequency in enumerate(detail.ln_frequency):
        index = nature.get("spectral_index", np.zeros(len(x)))
        image = detail.relative[channel]
        columns = np.clip(np.rint(x).astype(int), 0, image.shape[1] - 1)
        rows = np.clip(np.rint(y).astype(int), 0, image.shape[0] - 1)
        fluxes = flux * np.exp(np.nan_to_num(index) * ln_frequency)
        if len(detail.ln_frequency) > 1:
            fluxes = fluxes * image[rows, columns]
        parts = [
            np.stack([x[k] + offsets[0], y[k] + offsets[1], fluxes[k] * weights])
            for k, (offsets, weights) in enumerate(shares)
        ]
        channels.append(np.concatenate(parts, axis=1) if parts else np.zeros((3, 0)))
    return channels


def shapes_of(nature, n):
    """Standard deviations along both axes (pixels) and angle (radians from x to y) of each source; 0 for a point."""
    extended = np.nan_to_num(nature.get("probability_extended", np.zeros(n))) >= 0.5
    for k in range(n):
        if extended[k] and np.isfinite(nature["major"][k]):
            major, minor = nature["major"][k] / FWHM_PER_SIGMA, nature["minor"][k] / FWHM_PER_SIGMA
            yield major, minor, nature["angle"][k]
        else:
            yield 0.0, 0.0, 0.0


def lattice(major, minor, angle, steps=17):
    """Offsets, shape (2, points), and weights of points that stand for a Gaussian of these standard deviations."""
    if major <= 0:
        return np.zeros((2, 1)), np.ones(1)
    steps = np.linspace(-TAIL, TAIL, steps)
    s, t = (each.ravel() for each in np.meshgrid(steps, steps))
    inside = s * s + t * t <= TAIL * TAIL
    s, t = s[inside], t[inside]
    weights = np.exp(-0.5 * (s * s + t * t))
    cosine, sine = math.cos(angle), math.sin(angle)
    offsets = np.stack([major * s * cosine - minor * t * sine, major * s * sine + minor * t * cosine])
    return offsets, weights / weights.sum()


def spread_out(x, y, flux, nature):
    """Sources of samples, extended ones in parts: places (pixels) and fluxes of more.

    Parameters
    ----------
    x, y, flux : float64 arrays, shape (n,)
    nature : dict of str to float64 array, shape (n,)
        As of `basc.sampling.Samples`.

    Returns
    -------
    x, y, flux : float64 arrays, shape (n_parts,)
    """
    wide = nature["major"] > 0
    offsets, weights = lattice(1.0, 1.0, 0.0, steps=9)
    along, across = (offsets[axis] * nature["major"][wide, None] for axis in (0, 1))
    across = across * nature["ratio"][wide, None]
    cosine, sine = np.cos(nature["angle"][wide, None]), np.sin(nature["angle"][wide, None])
    parts = (
        x[wide, None] + along * cosine - across * sine,
        y[wide, None] + along * sine + across * cosine,
        flux[wide, None] * weights,
    )
    return tuple(
        np.concatenate([points[~wide], part.ravel()])
        for points, part in zip((x, y, flux), parts, strict=True)
    )
