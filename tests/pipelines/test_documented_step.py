"""What `docs/steps.md` shows is a step that works."""

import re
from pathlib import Path

import pytest
from astropy import units as u

from pipelines.executing import Call, execute
from pipelines.registry import forget_step
from tests.pipelines.test_executing import Notebook

PAGE = Path(__file__).parents[2] / "docs" / "steps.md"


@pytest.fixture
def documented():
    source = re.search(r"```python\n(from .*?)```", PAGE.read_text(), re.S)[1]
    module = {"__name__": "documented"}
    exec(compile(source, PAGE, "exec"), module)
    yield module["luminosity"].step
    forget_step("luminosity")


def test_the_step_that_is_shown_computes_and_fails_as_it_says(documented):
    calls = [Call({"flux": 2.0, "distance": each}, {}, Notebook()) for each in (10.0, 0.0)]

    computed, failed = execute(documented, calls)

    expected = (4 * 3.141592653589793 * (10 * u.Mpc) ** 2 * 2 * u.Jy).to_value("W/Hz")
    assert computed.outputs["luminosity"] == pytest.approx(expected, rel=1e-3)
    assert failed.error == "the distance must be positive"
    assert documented.time_limit == 10
