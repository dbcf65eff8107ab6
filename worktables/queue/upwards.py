"""The way up: everything that what somebody wants made is made from, as sets of rows."""

from worktables.queue import rowsets


def above(graph, node, rows, depth=None):
    """Return what these units are made from, and whether there is more beyond `depth`.

    Whoever collects or looks up rows of a table waits for all of that table, so all of it is above.

    Parameters
    ----------
    graph : ProjectGraph
    node : Node
    rows : RowSet
    depth : int, optional
        How many steps up to go; all the way if not given.

    Returns
    -------
    list of (Node, RowSet)
        The farthest up first.
    bool
    """
    found, frontier, level = {}, [(node, rows)], 0
    while frontier:
        if depth is not None and level == depth:
            return _in_order(found), any(graph.upstream[here.id] for here, _ in frontier)
        level += 1
        reached = [way for here, these in frontier for way in _one_up(graph, here, these)]
        frontier = [pair for pair in dict.fromkeys(reached) if not _known(found, pair)]
        found.update(dict.fromkeys(frontier))
    return _in_order(found), False


def _one_up(graph, node, rows):
    for step_id, way in graph.upstream[node.id].items():
        up = graph.nodes[step_id]
        if way == "row":
            yield up, rows
        elif way == "parent":
            yield up, rowsets.parents(node.worktable_id, rows)
        else:
            yield up, rowsets.all_rows(up.worktable_id)


def _known(found, pair):
    node, _ = pair
    return pair in found or (node, rowsets.all_rows(node.worktable_id)) in found


def _in_order(found):
    return sorted(found, key=lambda pair: (pair[0].rank, pair[0].id))
