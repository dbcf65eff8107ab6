"""The parameters of a table's steps as pages show them: a value at each level, and which one counts."""

from worktables.formats.parsing import format_cell
from worktables.parameters import declared_parameters
from worktables.showing import shown
from worktables.storage.values import Unfit, from_json


def parameter_levels(table, row=None, *, typed=None, problems=None):
    """Return every parameter of a table's steps with its value at each level, and which level wins.

    Parameters
    ----------
    row : dict, optional
        “step.name” → value, of a row.
    """
    found = []
    for key, parameter in declared_parameters(table).items():
        levels = [
            ("row", (row or {}).get(key)),
            ("table", table.parameters.get(key)),
            ("project", table.project.parameters.get(key)),
            ("default", parameter.default),
        ]
        levels = [(name, from_stored(parameter, value)) for name, value in levels]
        winner = next((name for name, value in levels if value is not None), "default")
        step, _, name = key.partition(".")
        found.append(
            {
                "key": key,
                "step": step,
                "name": name,
                "parameter": parameter,
                "levels": [
                    (level, shown(parameter.kind, value, exact=True)[0], level == winner)
                    for level, value in levels
                ],
                "winner": winner,
                "typed": (typed or {}).get(key, format_cell(parameter.kind, levels[1][1])),
                "problem": (problems or {}).get(key, ""),
            }
        )
    return found


def from_stored(parameter, value):
    """Return a parameter's value from the JSON in which a table or project keeps it."""
    try:
        return from_json(parameter.kind, value)
    except Unfit:
        return None
