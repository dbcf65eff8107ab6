"""Several channels in one likelihood: against visibilities, against a single channel, and channels that do not fit."""

import numpy as np
import pytest

from basc import DirtyMap, characterise
from basc.__main__ import main
from basc.channels import combine
from basc.errors import ChannelsMismatch, SettingInvalid
from basc.sampling import energy_of
from basc.shapes import INDEX, RATIO, ROWS
from basc.simulate import observe_channels, write_fits
from tests.basc import reference
from tests.basc.test_shapes import details

FREQUENCIES = 90e9, 150e9, 220e9
SOURCES, INDICES = [(64.3, 63.2, 0.03), (75.0, 60.0, 0.012)], [-0.7, 2.0]


def seen_at(frequencies=FREQUENCIES, sources=SOURCES, indices=INDICES, noise=1e-3, seed=1, **options):
    rng = np.random.default_rng(seed)
    options = {"pixels": 128} | options
    fields = observe_channels(sources, frequencies, spectral_indices=indices, rng=rng, noise=noise, **options)
    return fields, [
        DirtyMap(field.dirty, field.beam, field.primary_beam, field.noise, field.wcs, frequency=frequency)
        for field, frequency in zip(fields, frequencies, strict=True)
    ]


def test_likelihood_of_channels_is_the_sum_of_that_of_their_visibilities():
    noises = 1e-3, 2e-3, 0.7e-3
    places = [(30.3, 28.9, 0.05), (35.8, 31.2, 0.02)]
    fields, channels = seen_at((90e9, 120e9, 150e9), places, noise=noises, pixels=64)
    sources = [(30.3, 28.9, 0.05, -0.5), (35.8, 31.2, 0.02, 1.5)]
    _, _, ln_frequency, noise = combine(channels, -0.7, 8)
    field, detail = details(channels, extended=0.0)
    state, expected = np.zeros((ROWS, 8)), 0.0
    state[RATIO] = 1.0
    for k, (x, y, flux, index) in enumerate(sources):
        state[:3, k], state[INDEX, k] = (x - 16, y - 16, flux), index
    for channel, (seen, ratio) in enumerate(zip(fields, ln_frequency, strict=True)):
        arguments = seen.visibilities, seen.weights, seen.cells_u, seen.cells_v, 64
        apparent = [
            (x, y, flux * np.exp(index * ratio) * response(detail.relative[channel], x - 16, y - 16))
            for x, y, flux, index in sources
        ]
        expected += (reference.chi2(*arguments, []) - reference.chi2(*arguments, apparent)) / 2.0

    found = energy_of(field, state, len(sources), detail) / noise**2

    np.testing.assert_allclose(found, expected, rtol=1e-5)


def response(image, x, y):
    """Bilinear, on four pixels."""
    i, j = int(x), int(y)
    (a, b), (c, d) = image[j : j + 2, i : i + 2]
    return (1 - y + j) * ((1 - x + i) * a + (x - i) * b) + (y - j) * ((1 - x + i) * c + (x - i) * d)


def test_fluxes_and_spectral_indices_come_out_right():
    _, channels = seen_at()

    result = characterise(channels)

    assert result.converged
    assert len(result.sources) == 2
    reference_frequency = np.exp(np.mean(np.log(FREQUENCIES)))
    assert result.sources.meta["RESTFRQ"] == pytest.approx(reference_frequency)
    for (x, y, flux), index in zip(SOURCES, INDICES, strict=True):
        source = min(result.sources, key=lambda row: np.hypot(row["x"].value - x, row["y"].value - y))
        expected = flux * (reference_frequency / FREQUENCIES[0]) ** index
        corrected = (source["flux_intrinsic"] / source["flux"]).value
        assert abs(source["spectral_index"] - index) < 3.5 * source["sigma_spectral_index"]
        assert source["sigma_spectral_index"] < 0.2
        assert abs(source["flux_intrinsic"].value - expected) < 3.5 * source["sigma_flux"].value * corrected
    assert result.residual().std() == pytest.approx(result.noise, rel=0.1)


def test_channels_together_find_what_none_finds_alone():
    """Three channels of SNR 4.5 are one of 7.8."""
    found_alone = found_together = 0
    for seed in range(6):
        _, channels = seen_at(
            (90e9, 95e9, 100e9), [(60.3, 70.2, 4.5e-3)], [0.0], seed=seed, primary_beam_fwhm=1e6
        )
        found_alone += sum(len(characterise(channel).sources) for channel in channels) / 3
        together = characterise(channels, spectral_index=(0.0, 0.5)).sources
        found_together += np.any(np.hypot(together["x"].value - 60.3, together["y"].value - 70.2) < 3)

    assert found_together == 6
    assert found_alone < 5


def test_the_noise_of_each_channel_is_measured_where_it_is_not_given():
    noises = 1e-3, 2e-3, 4e-3
    fields, _ = seen_at(noise=noises, pixels=256, sources=[(128.3, 120.2, 0.05)], indices=[0.0])
    channels = [
        DirtyMap(field.dirty, field.beam, frequency=nu) for field, nu in zip(fields, FREQUENCIES, strict=True)
    ]

    result = characterise(channels)

    assert result.noise == pytest.approx(np.sum(np.power(noises, -2.0)) ** -0.5, rel=0.06)


def test_one_channel_of_several_is_as_one_map(look):
    _, dirty_map = look([(64.2, 63.7, 0.02)])

    alone, listed = characterise(dirty_map), characterise([dirty_map])

    assert alone.sources.colnames == listed.sources.colnames
    np.testing.assert_array_equal(alone.samples.x, listed.samples.x)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frequency": None}, "channel 2 has no frequency"),
        ({"search": (slice(20, 60), slice(20, 60))}, "channel 2 has another searched area"),
        ({"wcs": None}, "channel 2 has other coordinates"),
    ],
)
def test_channels_that_do_not_fit_are_refused(change, said):
    _, channels = seen_at()
    other = {
        name: getattr(channels[1], name) for name in ("data", "beam", "noise", "wcs", "search", "frequency")
    }

    with pytest.raises(ChannelsMismatch, match=said):
        characterise([channels[0], DirtyMap(**other | change)])


def test_channels_of_other_shapes_are_refused():
    _, (first, *_) = seen_at()
    _, (other, *_) = seen_at(pixels=64, sources=[(32.0, 32.0, 0.03)], indices=[0.0])

    with pytest.raises(ChannelsMismatch, match=r"channel 2 has shape \(64, 64\)"):
        characterise([first, other])


def test_no_channels_are_refused():
    with pytest.raises(SettingInvalid, match="at least one map"):
        characterise([])


def test_channels_on_the_command_line(tmp_path, capsys):
    fields, _ = seen_at()
    files = [write_fits(field, tmp_path, f"b{number}") for number, field in enumerate(fields)]
    first, *others = [[str(each[kind]) for kind in ("dirty", "psf", "flux")] for each in files]
    further = [word for each in others for word in ("--channel", *each)]

    assert (
        main([*first, *further, "-o", str(tmp_path / "found.vot"), "--products", str(tmp_path / "products")])
        == 0
    )

    said = capsys.readouterr().out
    assert "2 sources" in said
    assert said.count("spectral index") == 2
    assert (tmp_path / "found.vot").exists()


def test_a_channel_without_its_psf_is_refused(tmp_path, capsys):
    fields, _ = seen_at()
    files = write_fits(fields[0], tmp_path, "b0")

    assert main([str(files["dirty"]), str(files["psf"]), "--channel", str(files["dirty"])]) == 2

    assert "a map, its psf" in capsys.readouterr().err
