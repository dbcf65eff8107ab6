"""The chain and what it is made of: compiled, unchecked, and all in one file (numba's cache sees no further).

A state is a float64 array of shape (3, max_sources): x, y (pixels of the searched box) and apparent flux (Jy);
only its first `n` columns count. Every proposal takes up to two sources out and puts up to two in, so one place
computes the likelihood ratio for all of them; it costs O(n) look-ups of the beam and never a map.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

MARGIN = 3  # as in `interpolation`
NEAR = 3.5  # sigma of the beam: how far apart two sources may split or merge
SHIFT, BIRTH, DEATH, SPLIT, MERGE, PAIR = range(6)
MOVES = ("shift", "birth", "death", "split", "merge", "pair")
LN_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
N_UNIFORM, N_NORMAL = 6, 3  # random numbers per proposal


# Parts are called by kernels only: without their own Python wrappers they compile twice as fast.
part = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


class Field(NamedTuple):
    """What a chain knows of a map.

    `map_coefficients`, `beam_coefficients`: see `interpolation`. `median`: prior median of the apparent flux in
    each pixel of the box, in Jy; 0 where no source may be. `birth_cdf` (pixels of the box, flattened) and
    `birth_density` (box, per pixel): where births are proposed. `axes`: 2x2, pixels (x, y) per beam sigma;
    `inverse_axes`: its inverse.
    """

    map_coefficients: np.ndarray
    beam_coefficients: np.ndarray
    median: np.ndarray
    birth_cdf: np.ndarray
    birth_density: np.ndarray
    axes: np.ndarray
    inverse_axes: np.ndarray


@part
def spline_weights(t):
    """Weights of the six nodes round a point a fraction `t` after the third (quintic cardinal B-spline)."""
    s = 1.0 - t
    t2, t4 = t * t, t * t * t * t
    s2, s4 = s * s, s * s * s * s
    return (
        s4 * s / 120.0,
        (26.0 - 50.0 * t + 20.0 * t2 + 20.0 * t2 * t - 20.0 * t4 + 5.0 * t4 * t) / 120.0,
        (66.0 - 60.0 * t2 + 30.0 * t4 - 10.0 * t4 * t) / 120.0,
        (66.0 - 60.0 * s2 + 30.0 * s4 - 10.0 * s4 * s) / 120.0,
        (26.0 - 50.0 * s + 20.0 * s2 + 20.0 * s2 * s - 20.0 * s4 + 5.0 * s4 * s) / 120.0,
        t4 * t / 120.0,
    )


@part
def spline(coefficients, x, y):
    """Value of a spline at node coordinates (x, y)."""
    i, j = math.floor(x), math.floor(y)
    w0, w1, w2, w3, w4, w5 = spline_weights(x - i)
    across = spline_weights(y - j)
    total = 0.0
    for k in range(6):
        row = j - 2 + k
        total += across[k] * (
            w0 * coefficients[row, i - 2]
            + w1 * coefficients[row, i - 1]
            + w2 * coefficients[row, i]
            + w3 * coefficients[row, i + 1]
            + w4 * coefficients[row, i + 2]
            + w5 * coefficients[row, i + 3]
        )
    return total


@part
def residual_at(dirty, beam, x, y, state, n, chosen):
    """Map minus all sources but the (up to two) chosen ones, at a point (Jy/beam)."""
    value = spline(dirty, 2.0 * (x + MARGIN), 2.0 * (y + MARGIN))
    column, row = beam.shape[1] // 2, beam.shape[0] // 2
    for k in range(n):
        if k != chosen[0] and k != chosen[1]:
            value -= state[2, k] * spline(
                beam, column + 2.0 * (x - state[0, k]), row + 2.0 * (y - state[1, k])
            )
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def subtract_sources(image, beam, state, n):
    """Subtract point sources from a map of the searched box, in place.

    Parameters
    ----------
    image : float64 array, shape (box_rows, box_columns)
        In Jy/beam.
    beam : float64 array
        Coefficients; see `interpolation.beam_coefficients`.
    state : float64 array, shape (3, max_sources)
    n : int
    """
    column, row = beam.shape[1] // 2, beam.shape[0] // 2
    for k in range(n):
        for j in range(image.shape[0]):
            for i in range(image.shape[1]):
                at_x, at_y = column + 2.0 * (i - state[0, k]), row + 2.0 * (j - state[1, k])
                image[j, i] -= state[2, k] * spline(beam, at_x, at_y)


@njit(cache=True, nogil=True, error_model="numpy")
def residuals_near(dirty, beam, state, n, chosen, step, near):
    """Map minus all but the chosen sources, on a grid about the first chosen one.

    Parameters
    ----------
    dirty, beam : float64 arrays
        Coefficients; see `interpolation`.
    state : float64 array, shape (3, max_sources)
    n : int
    chosen : int64 array, shape (2,)
        Sources left out; -1 for none.
    step : float
        Of the grid, in pixels.
    near : float64 array, shape (2 * reach + 1, 2 * reach + 1)
        Filled with the residual, in Jy/beam; the source is at the middle.
    """
    x, y, reach = state[0, chosen[0]], state[1, chosen[0]], near.shape[0] // 2
    for a in range(near.shape[0]):
        for b in range(near.shape[0]):
            near[a, b] = residual_at(
                dirty, beam, x + (b - reach) * step, y + (a - reach) * step, state, n, chosen
            )


@part
def pixel_of(image, x, y):
    """Value of the pixel of the box in which a point lies; 0 outside."""
    i, j = math.floor(x + 0.5), math.floor(y + 0.5)
    if i < 0 or j < 0 or i >= image.shape[1] or j >= image.shape[0]:
        return 0.0
    return image[j, i]


@part
def draw_flux(residual, noise, uniform, normal):
    """A flux near its conditional, a Gaussian about the residual; may be negative, and is then refused.

    Where the Gaussian is mostly negative, an exponential of the same slope at zero or steeper.
    """
    if residual > 2.0 * noise:
        return residual + noise * normal
    return -math.log(max(uniform, 1e-16)) * noise / max(-residual / noise, 1.0)


@part
def ln_flux_density(flux, residual, noise):
    """Log of the density from which `draw_flux` draws."""
    if residual > 2.0 * noise:
        z = (flux - residual) / noise
        return -0.5 * z * z - math.log(noise) - LN_ROOT_TWO_PI
    slope = max(-residual / noise, 1.0)
    return math.log(slope / noise) - slope * flux / noise


@part
def copy_source(origin, i, target, j):
    """Copy one column of a state, or of the points of a proposal."""
    target[0, j] = origin[0, i]
    target[1, j] = origin[1, i]
    target[2, j] = origin[2, i]


@part
def near_count(inverse, x, y, state, n, chosen):
    """How many sources, but the chosen ones, lie within `NEAR` of a point."""
    count = 0
    for k in range(n):
        if k != chosen[0] and k != chosen[1]:
            count += distance2(inverse, state[0, k] - x, state[1, k] - y) < NEAR * NEAR
    return count


@part
def distance2(inverse, dx, dy):
    """Squared length of an offset, in sigmas of the beam."""
    a, b = inverse[0, 0] * dx + inverse[0, 1] * dy, inverse[1, 0] * dx + inverse[1, 1] * dy
    return a * a + b * b


@part
def ln_split_density(axes, share, distance):
    """Log density (per square pixel) with which a split proposes an unordered pair of this share and distance.

    The share follows an arcsine law, so that faint companions are often tried; the distance is uniform.
    """
    area = abs(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0])
    return math.log(
        2.0 / (math.pi * math.sqrt(share * (1.0 - share))) / (2.0 * math.pi * NEAR * distance * area)
    )


@part
def propose_pair(axes, inverse, state, n, chosen, u, z, noise, points, merging):
    """Merge two neighbours, or rearrange them with their centroid and total flux kept.

    Returns the log of the proposal ratio, reverse to forward; -inf where there is nothing to propose.
    """
    i = chosen[0]
    count = near_count(inverse, state[0, i], state[1, i], state, n, chosen)
    if count == 0:
        return -math.inf
    skip, j = int(u[3] * count), -1
    for k in range(n):
        if k != i and distance2(inverse, state[0, k] - state[0, i], state[1, k] - state[1, i]) < NEAR * NEAR:
            if skip == 0:
                j = k
                break
            skip -= 1
    chosen[1] = j
    copy_source(state, j, points, chosen.size - 1)
    flux = state[2, i] + state[2, j]
    share = state[2, j] / flux
    dx, dy = state[0, j] - state[0, i], state[1, j] - state[1, i]
    x, y = state[0, i] + share * dx, state[1, i] + share * dy
    distance = math.sqrt(distance2(inverse, dx, dy))
    if merging:
        count_too = 1.0 + near_count(inverse, state[0, j], state[1, j], state, n, chosen)
        if distance <= 0.0 or share <= 0.0 or share >= 1.0:
            return -math.inf
        points[0, 2], points[1, 2], points[2, 2] = x, y, flux
        return (
            ln_split_density(axes, share, distance)
            - math.log(flux)
            + math.log(n / (n - 1.0))
            - math.log(1.0 / count + 1.0 / count_too)
        )
    step = noise / flux * 10.0 ** (1.5 * u[5])
    if u[4] < 0.4:  # along the ridge of equal second moment: farther apart and fainter (Jacobian 1)
        scale = math.exp(0.3 * z[0])
        dx, dy, share = dx * scale, dy * scale, share / (scale * scale)
    elif u[4] < 0.6:
        share += z[0] * step
    elif u[4] < 0.9:
        dx += step * (axes[0, 0] * z[0] + axes[0, 1] * z[1])
        dy += step * (axes[1, 0] * z[0] + axes[1, 1] * z[1])
    else:
        dx, dy = -dx, -dy
    if share <= 0.0 or share >= 1.0 or distance2(inverse, dx, dy) >= NEAR * NEAR:
        return -math.inf
    points[0, 2], points[1, 2], points[2, 2] = x - share * dx, y - share * dy, (1.0 - share) * flux
    points[0, 3], points[1, 3], points[2, 3] = x + (1.0 - share) * dx, y + (1.0 - share) * dy, share * flux
    return math.log(count / (1.0 + near_count(inverse, points[0, 2], points[1, 2], state, n, chosen)))


@part
def propose_split(axes, inverse, state, n, chosen, u, points):
    """Split a source in two with the same centroid and total flux; the inverse of a merge.

    Returns the log of the proposal ratio, Jacobian (the flux) included.
    """
    k = chosen[0]
    flux = state[2, k]
    share = math.sin(0.5 * math.pi * u[3]) ** 2
    distance, angle = NEAR * u[4], 2.0 * math.pi * u[5]
    if share <= 0.0 or share >= 1.0 or distance <= 0.0:
        return -math.inf
    a, b = distance * math.cos(angle), distance * math.sin(angle)
    dx, dy = axes[0, 0] * a + axes[0, 1] * b, axes[1, 0] * a + axes[1, 1] * b
    points[0, 2], points[1, 2] = state[0, k] - share * dx, state[1, k] - share * dy
    points[0, 3], points[1, 3] = state[0, k] + (1.0 - share) * dx, state[1, k] + (1.0 - share) * dy
    points[2, 2], points[2, 3] = (1.0 - share) * flux, share * flux
    count = 1.0 + near_count(inverse, points[0, 2], points[1, 2], state, n, chosen)
    count_too = 1.0 + near_count(inverse, points[0, 3], points[1, 3], state, n, chosen)
    return (
        math.log(flux)
        - ln_split_density(axes, share, distance)
        + math.log(n / (n + 1.0))
        + math.log(1.0 / count + 1.0 / count_too)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def run_chain(field, noise, intensity, state, n, energy, uniforms, normals, samples, sizes, energies, moves):
    """Advance a chain by reversible jumps, in place.

    Parameters
    ----------
    field : Field
    noise : float
        Of a pixel (Jy/beam); larger than the true one while the chain is warm.
    intensity : float
        Expected sources per searchable pixel.
    state : float64 array, shape (3, max_sources)
    n : int
    energy : float
        f.d - f'Gf/2 of the state, in Jy^2, up to a constant of the caller's choice.
    uniforms, normals : float64 arrays, shapes (steps, N_UNIFORM) and (steps, N_NORMAL)
        Random numbers, drawn outside: steps of the chain and their order never depend on numba.
    samples : float64 array, shape (n_samples, 3, max_sources)
        States at equal intervals; may be of length 0.
    sizes, energies : int64 and float64 arrays, shape (n_samples,)
        Their numbers of sources and energies.
    moves : int64 array, shape (6, 2)
        Proposed and accepted, per kind of move; added to.

    Returns
    -------
    n : int
    energy : float
        At the end.
    """
    dirty, beam = field.map_coefficients, field.beam_coefficients
    axes, inverse = field.axes, field.inverse_axes
    limit, n_samples = state.shape[1], samples.shape[0]
    interval = uniforms.shape[0] // n_samples if n_samples else uniforms.shape[0] + 1
    points, residual = np.empty((3, 4)), np.empty(4)
    chosen = np.empty(2, np.int64)
    variance, taken = noise * noise, 0
    for step in range(uniforms.shape[0]):
        u, z = uniforms[step], normals[step]
        ln_ratio, n_old, n_new, scale = 0.0, 0, 0, 0.0
        chosen[0], chosen[1] = min(int(u[2] * n), n - 1), -1
        if u[0] < 0.50:
            kind, n_old, n_new = SHIFT, 1, 1
        elif u[0] < 0.62:
            kind, n_new = BIRTH, 1
            chosen[0] = -1
        elif u[0] < 0.74:
            kind, n_old = DEATH, 1
        elif u[0] < 0.81:
            kind, n_old, n_new = SPLIT, 1, 2
        elif u[0] < 0.88:
            kind, n_old, n_new = MERGE, 2, 1
        else:
            kind, n_old, n_new = PAIR, 2, 2
        moves[kind, 0] += 1
        for k in range(min(n_old, 1, n)):
            copy_source(state, chosen[k], points, k)

        if n < n_old or n + n_new - n_old > limit:
            ln_ratio = -math.inf
        elif kind == SHIFT:
            if u[4] > 0.1:
                scale = (1.5 if u[4] < 0.85 else 5.0) * noise
                size = scale / max(points[2, 0], noise)
                points[0, 2] = points[0, 0] + size * (axes[0, 0] * z[0] + axes[0, 1] * z[1])
                points[1, 2] = points[1, 0] + size * (axes[1, 0] * z[0] + axes[1, 1] * z[1])
            else:
                points[0, 2], points[1, 2] = points[0, 0], points[1, 0]
        elif kind == BIRTH:
            low, high = 0, field.birth_cdf.size - 1
            while low < high:
                middle = (low + high) // 2
                if field.birth_cdf[middle] > u[2]:
                    high = middle
                else:
                    low = middle + 1
            width = field.median.shape[1]
            points[0, 2], points[1, 2] = low % width - 0.5 + u[3], low // width - 0.5 + u[4]
            ln_ratio = -math.log((n + 1) * field.birth_density[low // width, low % width])
        elif kind == DEATH:
            ln_ratio = math.log(n * pixel_of(field.birth_density, points[0, 0], points[1, 0]))
        elif kind == SPLIT:
            ln_ratio = propose_split(axes, inverse, state, n, chosen, u, points)
        else:
            ln_ratio = propose_pair(axes, inverse, state, n, chosen, u, z, noise, points, kind == MERGE)

        if ln_ratio > -math.inf:
            for k in range(2, 2 + n_new):
                if pixel_of(field.median, points[0, k], points[1, k]) <= 0.0:
                    ln_ratio = -math.inf
        change = 0.0
        if ln_ratio > -math.inf:
            for k in range(4):
                if k < n_old or 2 <= k < 2 + n_new:
                    residual[k] = residual_at(dirty, beam, points[0, k], points[1, k], state, n, chosen)
            if kind <= DEATH:
                if n_new == 1:
                    points[2, 2] = draw_flux(residual[2], noise, u[5], z[2])
                    ln_ratio -= ln_flux_density(points[2, 2], residual[2], noise)
                if n_old == 1:
                    ln_ratio += ln_flux_density(points[2, 0], residual[0], noise)
                if n_new == 1 and points[2, 2] <= 0.0:
                    ln_ratio = -math.inf
                if scale > 0.0:
                    shrink = max(points[2, 2], noise) / max(points[2, 0], noise)
                    r2 = z[0] * z[0] + z[1] * z[1]
                    ln_ratio += 2.0 * math.log(shrink) - 0.5 * r2 * (shrink * shrink - 1.0)
            for k in range(4):
                if k < n_old or 2 <= k < 2 + n_new:
                    flux, median = points[2, k], pixel_of(field.median, points[0, k], points[1, k])
                    sign = 1.0 if k >= 2 else -1.0
                    change += sign * flux * (residual[k] - 0.5 * flux)
                    ln_ratio += sign * math.log(intensity * median / ((median + flux) * (median + flux)))
            column, row = beam.shape[1] // 2, beam.shape[0] // 2
            for k in range(0, 4, 2):
                if (k == 0 and n_old == 2) or (k == 2 and n_new == 2):
                    dx, dy = points[0, k] - points[0, k + 1], points[1, k] - points[1, k + 1]
                    both = points[2, k] * points[2, k + 1] * spline(beam, column + 2.0 * dx, row + 2.0 * dy)
                    change += both if k == 0 else -both

            if math.log(max(u[1], 1e-300)) < change / variance + ln_ratio:
                moves[kind, 1] += 1
                energy += change
                for k in range(max(n_old, n_new)):
                    if k < n_old and k < n_new:
                        copy_source(points, 2 + k, state, chosen[k])
                    elif k < n_new:
                        copy_source(points, 2 + k, state, n)
                        n += 1
                    else:
                        n -= 1
                        copy_source(state, n, state, chosen[k])

        if (step + 1) % interval == 0 and taken < n_samples:
            for k in range(3 * n):
                samples[taken, k // n, k % n] = state[k // n, k % n]
            sizes[taken], energies[taken] = n, energy
            taken += 1
    return n, energy
