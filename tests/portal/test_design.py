"""The look: legible in both schemes, and from nowhere else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLES = (ROOT / "portal/static/portal/stoa.css").read_text()
COLOURS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", STYLES))
STATES = ["empty", "fresh", "stale", "queued", "running", "failed", "blocked", "held", "retired"]
SCHEMES = ["light", "dark"]


def colour(name, scheme):
    return COLOURS[name].split(", ")[SCHEMES.index(scheme)]


def luminance(colour):
    """Return the relative luminance of WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["ground", "panel", "raised"])
@pytest.mark.parametrize("ink", ["ink", "muted", "accent", "amber", "danger", *STATES])
def test_words_stand_out_from_every_ground(ink, ground, scheme):
    assert contrast(colour(ink, scheme), colour(ground, scheme)) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_words_on_the_primary_button_stand_out(scheme):
    assert contrast(colour("on-accent", scheme), colour("accent", scheme)) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_edge_of_a_field_is_seen(scheme):
    assert min(contrast(colour("edge", scheme), colour(on, scheme)) for on in ("ground", "panel")) >= 3


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_colour_and_an_icon(state):
    assert f'[data-state="{state}"]' in STYLES
    assert f'id="icon-{state}"' in (ROOT / "templates/components/_sprite.html").read_text()


def test_every_icon_that_is_used_is_drawn():
    drawn = set(re.findall(r'id="icon-([\w-]+)"', (ROOT / "templates/components/_sprite.html").read_text()))
    used = {
        name
        for page in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'_icon\.html" with name="([\w-]+)"', page.read_text())
    }

    assert used <= drawn


def test_nothing_is_asked_of_other_hosts():
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "portal/static").rglob("*.*")]

    for page in pages:
        assert not re.search(
            r"""(?:src|href|url\(|from|import)\s*[=(]?\s*["']?(?:https?:)?//""", page.read_text()
        ), page
