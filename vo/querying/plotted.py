"""Which columns of an answer can be plotted, and the plot that is asked for."""

from vo.querying.plotting import NothingToDraw, scatter
from vo.querying.plotting_sky import sky
from worktables.showing import sexagesimal

NUMBERS = ("int", "float", "time")
LABEL_WIDTH = 62  # between the axis and its name


def plot_facts(said, found):
    """Return what the page says of a plot: what can be plotted, and the plot itself if one is asked for.

    Parameters
    ----------
    said : mapping
        `plot` is ``xy`` or ``sky``; `x`, `y`, `xlog`, `ylog` say how.
    found : Preview
    """
    numeric = [column for column in found.columns if column.kind in NUMBERS]
    names = [column.name for column in numeric]
    x = said.get("x") if said.get("x") in names else "".join(names[:1])
    y = said.get("y") if said.get("y") in names else "".join(names[1:2] or names[:1])
    on_sky = place_of(found.columns)
    facts = {
        "numeric": numeric,
        "plot_x": x,
        "plot_y": y,
        "xlog": bool(said.get("xlog")),
        "ylog": bool(said.get("ylog")),
        "on_sky": on_sky,
        "plot_more": found.more,
        "n_plotted": len(found.rows),
    }
    try:
        if said.get("plot") == "sky" and on_sky:
            plot = sky(values_of(found, *on_sky), sexagesimal)
        elif said.get("plot") == "xy" and numeric:
            labels = [label_of(found.columns[place_in(found, name)]) for name in (x, y)]
            plot = scatter(values_of(found, x, y), *labels, x_log=facts["xlog"], y_log=facts["ylog"])
        else:
            return facts
    except NothingToDraw as problem:
        return facts | {"plot_problem": str(problem)}
    return facts | {"plot": plot, **placed(plot)}


def placed(plot):
    """Return where labels stand."""
    if plot.frame is None:
        return {"sky_equator": plot.height / 2}
    left, top, width, height = plot.frame
    return {
        "x_axis_at": top + height,
        "x_middle": left + width / 2,
        "y_middle": top + height / 2,
        "y_label_at": max(12, left - LABEL_WIDTH),
    }


def place_in(found, name):
    """Return at which place of a row a column is."""
    return [column.name for column in found.columns].index(name)


def values_of(found, x, y):
    """Return pairs of values of two columns."""
    across, up = place_in(found, x), place_in(found, y)
    return [(row[across], row[up]) for row in found.rows]


def place_of(columns):
    """Return the names of the columns that are a place on the sky; None if there are none."""
    by_ucd = {}
    for column in columns:
        if column.kind == "float":
            by_ucd.setdefault(column.ucd.lower().split(";")[0], column.name)
    pair = by_ucd.get("pos.eq.ra"), by_ucd.get("pos.eq.dec")
    return pair if all(pair) else None


def label_of(column):
    """Return a column as an axis names it."""
    unit = column.unit or ("MJD" if column.kind == "time" else "")
    return f"{column.name} [{unit}]" if unit else column.name
