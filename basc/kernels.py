"""The chain and what it is made of: compiled and unchecked.

A state is a float64 array of shape (6, max_sources), of which only the first `n` columns count. Its rows: x, y
(pixels of the searched box), apparent flux (Jy); and what the prior asks of a source (`Prior`): its flux over the
median there, how many sources are brighter, and how many of those are near. Every proposal takes up to two sources
out and puts up to two in, so one place computes the posterior ratio for all of them; it costs O(n) look-ups of
the beam and never a map.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from basc import shapes
from basc.compiling import kernel, part
from basc.splines import MIDDLE, beam_with_slope, map_with_slope, spline_weights

WIDE = 0.08  # of shifts go to any distance
FAINTEST = 0.6  # least intrinsic flux of a source, over the prior's median
MORTAL, HARDY = 6.0, 10.0  # noises, below which sources are often, and now and then, tried for death
APART = 0.8  # sigma of the beam: what is closer is one source
NEAR = 2.5  # sigma of the beam: how far apart two sources may split or merge
SHIFT, BIRTH, DEATH, SPLIT, MERGE, PAIR, NATURE = range(7)
MOVES = ("shift", "birth", "death", "split", "merge", "pair", "nature")
LN_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
N_UNIFORM, N_NORMAL = 6, 3  # random numbers per proposal
X, Y, FLUX, BRIGHTNESS, BRIGHTER, NEAR_BRIGHTER = range(6)
ROWS = 6  # of a state of points
OWN = shapes.OWN


class Field(NamedTuple):
    """What a chain knows of a map.

    `map_coefficients`, `beam_coefficients`: see `interpolation`. `median`: prior median of the apparent flux in
    each pixel of the box, in Jy; 0 where no source may be. `birth_cdf` (pixels of the box, flattened) and
    `birth_density` (box, per pixel): where births are proposed. `axes`: 2x2, pixels (x, y) per beam sigma;
    `inverse_axes`: its inverse. `ln_number`: log of p(n) n!, for each number of sources. `places`: densities of
    `prior.Prior.places`, and the square of its reach.
    """

    map_coefficients: np.ndarray
    beam_coefficients: np.ndarray
    median: np.ndarray
    birth_cdf: np.ndarray
    birth_density: np.ndarray
    axes: np.ndarray
    inverse_axes: np.ndarray
    ln_number: np.ndarray
    places: np.ndarray


@part
def own(detail, points, k):
    """What a source of unit flux sees of itself."""
    if detail is None:
        return 1.0
    return points[OWN, k]


@part
def is_extended(detail, points, k):
    """Whether a source is no point."""
    if detail is None:
        return False
    return points[shapes.MAJOR, k] > 0.0


@part
def look_at_map(dirty, detail, points, k):
    """What a source of unit flux sees of the map (Jy/beam), with its slopes per pixel."""
    if detail is None:
        return map_with_slope(dirty, points[X, k], points[Y, k])
    return shapes.look_at_map(detail, points, k)


@part
def look_at_source(beam, detail, points, k, others, other):
    """What a source of unit flux sees of another one, with the slopes per pixel."""
    if detail is None:
        return beam_with_slope(beam, points[X, k] - others[X, other], points[Y, k] - others[Y, other])
    return shapes.look_at_source(detail, points, k, others, other)


@part
def look_from(dirty, beam, detail, points, which, state, n, chosen, views, row):
    """Fill a row of `views` with what a source sees of the map and of all sources but the (up to two) chosen ones.

    `views` (max_sources + 2, max_sources + 1, 3): value and slopes of source l of unit flux as source k sees it, and
    of the map in the last column; the last two rows are for the new points of a proposal. A proposal that is accepted
    has looked at all that is new in it, so nothing is looked up twice.
    """
    last = views.shape[1] - 1
    views[row, last, 0], views[row, last, 1], views[row, last, 2] = look_at_map(dirty, detail, points, which)
    for k in range(n):
        if k != chosen[0] and k != chosen[1]:
            views[row, k, 0], views[row, k, 1], views[row, k, 2] = look_at_source(
                beam, detail, points, which, state, k
            )


@part
def residual_in(views, row, state, n, chosen):
    """Map minus all sources but the chosen ones where a row of `views` looks from (Jy/beam), with its slopes."""
    last = views.shape[1] - 1
    value, by_x, by_y = views[row, last, 0], views[row, last, 1], views[row, last, 2]
    for k in range(n):
        if k != chosen[0] and k != chosen[1]:
            value -= state[FLUX, k] * views[row, k, 0]
            by_x -= state[FLUX, k] * views[row, k, 1]
            by_y -= state[FLUX, k] * views[row, k, 2]
    return value, by_x, by_y


@part
def keep_view(views, row, k, n):
    """Let source k look from where a row of `views` does, and be seen there."""
    last = views.shape[1] - 1
    for i in range(3):
        sign = 1.0 if i == 0 else -1.0
        views[k, last, i] = views[row, last, i]
        for other in range(n):
            views[k, other, i] = views[row, other, i]
            views[other, k, i] = sign * views[row, other, i]


@kernel
def subtract_sources(image, beam, state, n):
    """Subtract point sources from a map of the searched box, in place.

    All pixels lie at the same fraction of a node from a source, so each row of the beam is combined only once.

    Parameters
    ----------
    image : float64 array, shape (box_rows, box_columns)
        In Jy/beam.
    beam : float64 array
        Coefficients; see `interpolation.beam_coefficients`.
    state : float64 array, shape (3 or more, max_sources)
    n : int
    """
    rows, columns = image.shape
    line = np.empty(2 * columns + 4)
    for k in range(n):
        at_x, at_y = beam.shape[1] // 2 - 2.0 * state[X, k], -2.0 * state[Y, k]
        i, j = math.floor(at_x), math.floor(at_y)
        w0, w1, w2, w3, w4, w5 = spline_weights(at_x - i)
        weights = spline_weights(at_y - j)
        flux = state[FLUX, k]
        for row in range(rows):
            line[:] = 0.0
            for q in range(6):
                node, weight = j - 2 + q + 2 * row, flux * weights[q]
                if node >= 0:
                    part_of = beam[MIDDLE + node, i - 2 : i + 2 * columns + 2]
                    for m in range(line.size):
                        line[m] += weight * part_of[m]
                else:
                    part_of = beam[MIDDLE - node, beam.shape[1] - i - 2 * columns - 2 : beam.shape[1] - i + 2]
                    for m in range(line.size):
                        line[m] += weight * part_of[line.size - 1 - m]
            for column in range(columns):
                m = 2 * column
                image[row, column] -= (
                    w0 * line[m] + w1 * line[m + 1] + w2 * line[m + 2]
                    + w3 * line[m + 3] + w4 * line[m + 4] + w5 * line[m + 5]
                )  # fmt: skip


@kernel
def look(field, detail, state, n, k, left_out):
    """What a source of unit flux sees: map minus sources at its place, with the slopes; fills its row OWN.

    Parameters
    ----------
    field : Field
    detail : `basc.shapes.Detail` or None
    state : float64 array, shape (rows, max_sources)
    n : int
        How many sources to subtract, of the first ones.
    k : int
        The source that looks.
    left_out : int
        Source not to subtract; -1 for none.

    Returns
    -------
    value, by_x, by_y : float
        Jy/beam, and Jy/beam per pixel.
    """
    if detail is not None:
        shapes.settle_own(detail, state, k, True)
    value, by_x, by_y = look_at_map(field.map_coefficients, detail, state, k)
    for other in range(n):
        if other != left_out:
            flux = state[FLUX, other]
            there, there_x, there_y = look_at_source(field.beam_coefficients, detail, state, k, state, other)
            value, by_x, by_y = value - flux * there, by_x - flux * there_x, by_y - flux * there_y
    return value, by_x, by_y


@part
def towards_peak(axes, value, by_x, by_y):
    """Newton step from a point of the residual to its peak, in sigmas of the beam, at most one of them."""
    a = (axes[0, 0] * by_x + axes[1, 0] * by_y) / value
    b = (axes[0, 1] * by_x + axes[1, 1] * by_y) / value
    length = math.sqrt(a * a + b * b)
    if length > 1.0:
        a, b = a / length, b / length
    return a, b


@part
def pixel_of(image, x, y):
    """Value of the pixel of the box in which a point lies; 0 outside."""
    i, j = math.floor(x + 0.5), math.floor(y + 0.5)
    if i < 0 or j < 0 or i >= image.shape[1] or j >= image.shape[0]:
        return 0.0
    return image[j, i]


@part
def draw_flux(residual, noise, least, uniform, normal):
    """A flux near its conditional, a Gaussian about the residual; may be below the least, and is then refused.

    Where the Gaussian is mostly below, an exponential from the least on, of the Gaussian's slope there or steeper.
    """
    if residual - least > 2.0 * noise:
        return residual + noise * normal
    return least - math.log(max(uniform, 1e-16)) * noise / max((least - residual) / noise, 1.0)


@part
def ln_flux_density(flux, residual, noise, least):
    """Log of the density from which `draw_flux` draws."""
    if residual - least > 2.0 * noise:
        z = (flux - residual) / noise
        return -0.5 * z * z - math.log(noise) - LN_ROOT_TWO_PI
    slope = max((least - residual) / noise, 1.0)
    return math.log(slope / noise) - slope * (flux - least) / noise


@part
def mortality(flux, noise):
    """How readily a source is chosen to die: bright ones are not worth the trying."""
    if flux < MORTAL * noise:
        return 1.0
    return 0.2 if flux < HARDY * noise else 0.05


@part
def copy_source(origin, i, target, j):
    """Copy one column of a state, or of the points of a proposal."""
    for row in range(target.shape[0]):
        target[row, j] = origin[row, i]


@part
def near_count(inverse, x, y, reach, state, n, chosen):
    """How many sources, but the chosen ones, lie within a reach (sigmas of the beam) of a point."""
    count = 0
    for k in range(n):
        if k != chosen[0] and k != chosen[1]:
            count += distance2(inverse, state[X, k] - x, state[Y, k] - y) < reach * reach
    return count


@part
def allowed(median, inverse, points, k, state, n, chosen):
    """Whether a source may be at a new point: in the searched area, bright enough, and not too near to another."""
    x, y = points[X, k], points[Y, k]
    least = FAINTEST * pixel_of(median, x, y)
    if least <= 0.0 or points[FLUX, k] < least:
        return False
    return near_count(inverse, x, y, APART, state, n, chosen) == 0


@part
def distance2(inverse, dx, dy):
    """Squared length of an offset, in sigmas of the beam."""
    a, b = inverse[0, 0] * dx + inverse[0, 1] * dy, inverse[1, 0] * dx + inverse[1, 1] * dy
    return a * a + b * b


@part
def ln_place(places, brighter, near):
    """Log of the prior density of a place, per square pixel, given how many sources are brighter and near."""
    if brighter < 0.5:
        return math.log(places[0])
    return math.log(places[1] + places[2] * near / brighter)


@part
def ln_flux_prior(flux, median):
    """Log of the prior density of an apparent flux where their median is this one."""
    above = (1.0 - 2.0 * FAINTEST) * median + flux
    return math.log((1.0 - FAINTEST) * median / (above * above))


@part
def ln_prior_ratio(ln_number, median_flux, places, inverse, state, n, points, n_old, n_new, chosen, shifts):
    """Change of the log prior by a proposal; fills the last rows of the new points, and `shifts`.

    The new points are `allowed`; here they may still be too faint, or too near to each other.
    `shifts` (2, max_sources): by how much the proposal changes BRIGHTER and NEAR_BRIGHTER of the sources that stay.
    """
    ratio = ln_number[n + n_new - n_old] - ln_number[n]
    for k in range(n_old):
        ratio -= ln_flux_prior(points[FLUX, k], points[FLUX, k] / points[BRIGHTNESS, k])
        ratio -= ln_place(places, points[BRIGHTER, k], points[NEAR_BRIGHTER, k])
    for k in range(2, 2 + n_new):
        median = pixel_of(median_flux, points[X, k], points[Y, k])
        if points[FLUX, k] < FAINTEST * median:
            return -math.inf
        ratio += ln_flux_prior(points[FLUX, k], median)
        points[BRIGHTNESS, k] = points[FLUX, k] / median
        points[BRIGHTER, k] = points[NEAR_BRIGHTER, k] = 0.0
    if n_new == 2:
        faint = 2 if points[BRIGHTNESS, 2] < points[BRIGHTNESS, 3] else 3
        dx, dy = points[X, 2] - points[X, 3], points[Y, 2] - points[Y, 3]
        apart = distance2(inverse, dx, dy)
        if apart < APART * APART:
            return -math.inf
        points[BRIGHTER, faint] = 1.0
        points[NEAR_BRIGHTER, faint] = 1.0 if apart < places[3] else 0.0
    for other in range(n):
        shifts[0, other] = shifts[1, other] = 0.0
        if other == chosen[0] or other == chosen[1]:
            continue
        x, y, brightness = state[X, other], state[Y, other], state[BRIGHTNESS, other]
        for k in range(n_old):
            if points[BRIGHTNESS, k] > brightness:
                shifts[0, other] -= 1.0
                if distance2(inverse, points[X, k] - x, points[Y, k] - y) < places[3]:
                    shifts[1, other] -= 1.0
        for k in range(2, 2 + n_new):
            near = 1.0 if distance2(inverse, points[X, k] - x, points[Y, k] - y) < places[3] else 0.0
            if points[BRIGHTNESS, k] > brightness:
                shifts[0, other] += 1.0
                shifts[1, other] += near
            else:
                points[BRIGHTER, k] += 1.0
                points[NEAR_BRIGHTER, k] += near
        before, after = state[BRIGHTER, other], state[BRIGHTER, other] + shifts[0, other]
        near_before, near_after = state[NEAR_BRIGHTER, other], state[NEAR_BRIGHTER, other] + shifts[1, other]
        if (near_before > 0.5 or near_after > 0.5 or before < 0.5 or after < 0.5) and (
            before != after or near_before != near_after
        ):
            ratio += ln_place(places, after, near_after) - ln_place(places, before, near_before)
    for k in range(2, 2 + n_new):
        ratio += ln_place(places, points[BRIGHTER, k], points[NEAR_BRIGHTER, k])
    return ratio


@part
def aim(axes, noise, value, by_x, by_y):
    """Where a shift goes from a point of the residual, and how far it scatters, in sigmas of the beam; 0: nowhere."""
    if value < 2.5 * noise:
        return 0.0, 0.0, 0.0
    to_a, to_b = towards_peak(axes, value, by_x, by_y)
    size = noise / value
    return to_a, to_b, size * (1.1 + 5.0 * size * size)  # faint sources are spread wider than a Gaussian


@part
def propose_shift(axes, noise, wide, u, z, value, by_x, by_y, points):
    """Move a source to a place drawn about the peak of the residual that it sees, or to any distance.

    Returns the log of the proposal ratio as far as it is known before one has looked from there (`ln_shift_back`),
    and the step in sigmas of the beam.
    """
    if wide:
        size, ln_ratio = 10.0 ** (0.5 - 2.0 * u[3]), 0.0
        a, b = size * z[0], size * z[1]
    else:
        to_a, to_b, size = aim(axes, noise, value, by_x, by_y)
        if size == 0.0:
            return -math.inf, 0.0, 0.0
        a, b = to_a + size * z[0], to_b + size * z[1]
        ln_ratio = 2.0 * math.log(size) + 0.5 * (z[0] * z[0] + z[1] * z[1])
    points[X, 2] = points[X, 0] + axes[0, 0] * a + axes[0, 1] * b
    points[Y, 2] = points[Y, 0] + axes[1, 0] * a + axes[1, 1] * b
    points[FLUX, 2] = math.inf  # drawn when the residual there is known
    return ln_ratio, a, b


@part
def ln_shift_back(axes, noise, wide, a, b, value, by_x, by_y):
    """Log of the density with which the step (a, b) would be taken back."""
    if wide:
        return 0.0
    to_a, to_b, size = aim(axes, noise, value, by_x, by_y)
    if size == 0.0:
        return -math.inf
    back_a, back_b = (a + to_a) / size, (b + to_b) / size
    return -2.0 * math.log(size) - 0.5 * (back_a * back_a + back_b * back_b)


@part
def ln_split_density(axes, share, distance):
    """Log density (per square pixel) with which a split proposes a second source of this share and distance.

    The share follows an arcsine law, so that faint companions are often tried; the distance is uniform.
    """
    area = abs(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0])
    return -math.log(
        math.pi * math.sqrt(share * (1.0 - share)) * 2.0 * math.pi * (NEAR - APART) * distance * area
    )


@part
def propose_pair(axes, inverse, state, n, chosen, u, z, noise, points, merging):
    """Merge two neighbours, or rearrange them with their centroid and total flux kept.

    What they merge to has the nature of the first one.

    Returns the log of the proposal ratio, reverse to forward; -inf where there is nothing to propose.
    """
    i = chosen[0]
    count = near_count(inverse, state[0, i], state[1, i], NEAR, state, n, chosen)
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
    copy_source(state, j, points, 1)
    copy_source(state, j, points, 3)
    flux = state[2, i] + state[2, j]
    share = state[2, j] / flux
    dx, dy = state[0, j] - state[0, i], state[1, j] - state[1, i]
    x, y = state[0, i] + share * dx, state[1, i] + share * dy
    distance = math.sqrt(distance2(inverse, dx, dy))
    if merging:
        if distance < APART or share <= 0.0 or share >= 1.0:
            return -math.inf
        points[0, 2], points[1, 2], points[2, 2] = x, y, flux
        return ln_split_density(axes, share, distance) - math.log(flux) + math.log(count * n / (n - 1.0))
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
    return math.log(count / (1.0 + near_count(inverse, points[0, 2], points[1, 2], NEAR, state, n, chosen)))


@part
def propose_split(axes, inverse, state, n, chosen, u, points):
    """Split a source in two with the same centroid and total flux; the inverse of a merge.

    The first of them keeps its nature.

    Returns the log of the proposal ratio, Jacobian (the flux) included.
    """
    k = chosen[0]
    flux = state[2, k]
    share = math.sin(0.5 * math.pi * u[3]) ** 2
    distance, angle = APART + (NEAR - APART) * u[4], 2.0 * math.pi * u[5]
    if share <= 0.0 or share >= 1.0:
        return -math.inf
    a, b = distance * math.cos(angle), distance * math.sin(angle)
    dx, dy = axes[0, 0] * a + axes[0, 1] * b, axes[1, 0] * a + axes[1, 1] * b
    points[0, 2], points[1, 2] = state[0, k] - share * dx, state[1, k] - share * dy
    points[0, 3], points[1, 3] = state[0, k] + (1.0 - share) * dx, state[1, k] + (1.0 - share) * dy
    points[2, 2], points[2, 3] = (1.0 - share) * flux, share * flux
    count = 1.0 + near_count(inverse, points[0, 2], points[1, 2], NEAR, state, n, chosen)
    return math.log(flux) - ln_split_density(axes, share, distance) + math.log(n / (n + 1.0) / count)


@part
def draw_place(birth_cdf, birth_density, u, points):
    """A place for a birth; returns the log of its density there."""
    low, high = 0, birth_cdf.size - 1
    while low < high:
        middle = (low + high) // 2
        if birth_cdf[middle] > u[2]:
            high = middle
        else:
            low = middle + 1
    width, points[FLUX, 2] = birth_density.shape[1], math.inf  # drawn when the residual is known
    points[X, 2], points[Y, 2] = low % width - 0.5 + u[3], low // width - 0.5 + u[4]
    return math.log(birth_density[low // width, low % width])


@kernel
def run_chain(field, detail, noise, state, n, energy, uniforms, normals, samples, sizes, energies, moves):
    """Advance a chain by reversible jumps, in place.

    Parameters
    ----------
    field : Field
    detail : `basc.shapes.Detail` or None
        None: all sources are points, seen in one channel.
    noise : float
        Of a pixel (Jy/beam); larger than the true one while the chain is warm.
    state : float64 array, shape (6, max_sources), or (`basc.shapes.ROWS`, max_sources) with detail
    n : int
    energy : float
        f.d - f'Gf/2 of the state, in Jy^2, up to a constant of the caller's choice.
    uniforms, normals : float64 arrays, shapes (steps, N_UNIFORM) and (steps, N_NORMAL)
        With detail, `basc.shapes.FURTHER` more of the first.
        Random numbers, drawn outside: steps of the chain and their order never depend on numba.
    samples : float64 array, shape (n_samples, 3, max_sources), or (n_samples, 7, max_sources) with detail
        x, y and flux, and the nature, at equal intervals; may be of length 0.
    sizes, energies : int64 and float64 arrays, shape (n_samples,)
        Their numbers of sources and energies.
    moves : int64 array, shape (7, 2)
        Proposed and accepted, per kind of move; added to.

    Returns
    -------
    n : int
    energy : float
        At the end.
    """
    dirty, beam, median = field.map_coefficients, field.beam_coefficients, field.median
    axes, inverse = field.axes, field.inverse_axes
    limit, n_samples = state.shape[1], samples.shape[0]
    interval = uniforms.shape[0] // n_samples if n_samples else uniforms.shape[0] + 1
    points, residual, shifts = np.zeros((state.shape[0], 4)), np.empty(4), np.empty((2, limit))
    chosen, views = np.empty(2, np.int64), np.zeros((limit + 2, limit + 1, 3))
    for k in range(n):
        chosen[0], chosen[1] = k, -1
        look_from(dirty, beam, detail, state, k, state, n, chosen, views, k)
    variance, taken, step_a, step_b, wide = noise * noise, 0, 0.0, 0.0, False
    for step in range(uniforms.shape[0]):
        u, z = uniforms[step], normals[step]
        ln_ratio, n_old, n_new = 0.0, 0, 0
        chosen[0], chosen[1] = min(int(u[2] * n), n - 1), -1
        if u[0] < 0.52:
            kind, n_old, n_new = SHIFT, 1, 1
        elif u[0] < 0.65:
            kind, n_new = BIRTH, 1
            chosen[0] = -1
        elif u[0] < 0.78:
            kind, n_old = DEATH, 1
        elif u[0] < 0.84:
            kind, n_old, n_new = SPLIT, 1, 2
        elif u[0] < 0.90:
            kind, n_old, n_new = MERGE, 2, 1
        else:
            kind, n_old, n_new = PAIR, 2, 2
        if detail is not None and u[0] < 0.2:
            kind = NATURE
        moves[kind, 0] += 1
        if n_old > 0 and n > 0:
            copy_source(state, chosen[0], points, 0)
            copy_source(state, chosen[0], points, 2)

        if n < n_old or n + n_new - n_old > limit:
            ln_ratio = -math.inf
        elif kind == SHIFT:
            wide = u[4] < WIDE or is_extended(detail, points, 0)
            residual[0], by_x, by_y = residual_in(views, chosen[0], state, n, chosen)
            seen = noise * math.sqrt(own(detail, points, 0))
            ln_ratio, step_a, step_b = propose_shift(axes, seen, wide, u, z, residual[0], by_x, by_y, points)
        elif kind == BIRTH:
            ln_ratio = -draw_place(field.birth_cdf, field.birth_density, u, points)
        elif kind == DEATH:
            total = 0.0
            for k in range(n):
                total += mortality(state[FLUX, k], noise)
            left = u[2] * total
            for k in range(n):
                left -= mortality(state[FLUX, k], noise)
                chosen[0] = k
                if left < 0.0:
                    break
            copy_source(state, chosen[0], points, 0)
            ln_ratio = math.log(
                total
                / mortality(points[FLUX, 0], noise)
                * pixel_of(field.birth_density, points[X, 0], points[Y, 0])
            )
        elif kind == SPLIT:
            ln_ratio = propose_split(axes, inverse, state, n, chosen, u, points)
        elif detail is not None and kind == NATURE:
            points[FLUX, 2] = math.inf  # drawn when the residual is known
            ln_ratio = shapes.propose_nature(detail, u, z, points)
        else:
            ln_ratio = propose_pair(axes, inverse, state, n, chosen, u, z, noise, points, kind == MERGE)

        change = 0.0
        if ln_ratio > -math.inf:
            for k in range(2, 2 + n_new):
                if not allowed(median, inverse, points, k, state, n, chosen):
                    ln_ratio = -math.inf
        if ln_ratio > -math.inf:
            if detail is not None and kind in (BIRTH, SPLIT):
                shapes.draw_nature(detail, u, z, points, 1 + n_new)
            for k in range(4):
                if 2 <= k < 2 + n_new:
                    if detail is not None:
                        changed = kind == NATURE or (k == 1 + n_new and kind in (BIRTH, SPLIT))
                        shapes.settle_own(detail, points, k, changed)
                    look_from(dirty, beam, detail, points, k, state, n, chosen, views, limit + k - 2)
                if k < n_old or 2 <= k < 2 + n_new:
                    row = chosen[k] if k < 2 else limit + k - 2
                    residual[k], by_x, by_y = residual_in(views, row, state, n, chosen)
            if kind == SHIFT:
                seen = noise * math.sqrt(own(detail, points, 2))
                ln_ratio += ln_shift_back(axes, seen, wide, step_a, step_b, residual[2], by_x, by_y)
        if ln_ratio > -math.inf and (kind <= DEATH or kind == NATURE):
            if n_new == 1:
                least = FAINTEST * pixel_of(median, points[X, 2], points[Y, 2])
                itself = own(detail, points, 2)
                expected, error = residual[2] / itself, noise / math.sqrt(itself)
                flux = draw_flux(expected, error, least, u[5], z[2])
                ln_ratio -= ln_flux_density(flux, expected, error, least)
                points[FLUX, 2] = flux
            if n_old == 1:
                least = FAINTEST * pixel_of(median, points[X, 0], points[Y, 0])
                itself = own(detail, points, 0)
                expected, error = residual[0] / itself, noise / math.sqrt(itself)
                ln_ratio += ln_flux_density(points[FLUX, 0], expected, error, least)
            if kind == BIRTH:
                total = mortality(points[FLUX, 2], noise)
                ln_ratio += math.log(total)
                for k in range(n):
                    total += mortality(state[FLUX, k], noise)
                ln_ratio -= math.log(total)
        if ln_ratio > -math.inf:
            for k in range(4):
                if k < n_old or 2 <= k < 2 + n_new:
                    sign = 1.0 if k >= 2 else -1.0
                    flux = points[FLUX, k]
                    change += sign * flux * (residual[k] - 0.5 * own(detail, points, k) * flux)
            if n_old == 2:
                change += points[FLUX, 0] * points[FLUX, 1] * views[chosen[0], chosen[1], 0]
            if n_new == 2:
                one, row = chosen[0], limit + 1
                views[row, one, 0], views[row, one, 1], views[row, one, 2] = look_at_source(
                    beam, detail, points, 3, points, 2
                )
                change -= points[FLUX, 2] * points[FLUX, 3] * views[row, one, 0]
            ln_ratio += ln_prior_ratio(
                field.ln_number, median, field.places, inverse, state, n, points, n_old, n_new, chosen, shifts
            )

            if math.log(max(u[1], 1e-300)) < change / variance + ln_ratio:
                moves[kind, 1] += 1
                energy += change
                for other in range(n):
                    state[BRIGHTER, other] += shifts[0, other]
                    state[NEAR_BRIGHTER, other] += shifts[1, other]
                for k in range(max(n_old, n_new)):
                    if k < n_old and k < n_new:
                        copy_source(points, 2 + k, state, chosen[k])
                        keep_view(views, limit + k, chosen[k], n)
                    elif k < n_new:
                        copy_source(points, 2 + k, state, n)
                        keep_view(views, limit + k, n, n)
                        n += 1
                    else:
                        n -= 1
                        copy_source(state, n, state, chosen[k])
                        keep_view(views, n, chosen[k], n)

        if (step + 1) % interval == 0 and taken < n_samples:
            for row in range(samples.shape[1]):
                for k in range(n):
                    samples[taken, row, k] = state[row if row < 3 else row + 3, k]
            sizes[taken], energies[taken] = n, energy
            taken += 1
    return n, energy
