"""The page of a run: everything that is recorded about one execution."""

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from archive.models import Product
from pipelines.models import Run
from worktables.dependencies import graph_of
from worktables.showing import shown
from worktables.sight import Sight
from worktables.storage.values import Unfit, from_json
from worktables.viewing import view_row
from worktables.views.finding import about, find_table
from worktables.views.row import steps_of


@login_required
@require_safe
def run(request, pk):
    """Show a run of a table one may see."""
    known = Run.objects.select_related("step_version", "environment", "asked_by")
    found = get_object_or_404(known, pk=pk)
    try:
        table = find_table(request, found.worktable_id)
    except Http404:  # not whether there is such a run
        raise Http404 from None
    sight = Sight(request.user, found.project_id)
    found = sight.run(found)
    row = view_row(table, found.row_id, request.user)
    ports = {**ports_of(found, "inputs"), **ports_of(found, "parameters"), **ports_of(found, "outputs")}
    values = [*found.inputs.values(), *found.outputs.values()]
    hashes = [value for value in values if isinstance(value, str) and len(value) == 64]
    names = dict(
        Product.objects.filter(project=found.project_id, sha256__in=hashes).values_list("sha256", "name")
    )
    return render(
        request,
        "worktables/run.html",
        about(
            request,
            table,
            run=found,
            row_is_there=row is not None,
            above=steps_above(found, table, row, sight) if row else [],
            inputs=in_words(found.inputs, ports, names),
            parameters=in_words(found.parameters, ports, names),
            outputs=in_words(found.outputs, ports, names),
            environment=environment_in_words(found.environment.document),
        ),
    )


def steps_above(run, table, row, sight):
    """Return the steps of the row from which a run was made, if what it made is there still."""
    graph = graph_of(table.project_id)
    above = {graph.nodes[pk].name for pk, way in graph.upstream.get(run.step_id, {}).items() if way == "row"}
    steps = steps_of(table, row, sight) if above else []
    if not any(step.run is not None and step.run.pk == run.pk for step in steps):
        return []
    return [step for step in steps if step.name in above]


def ports_of(run, use):
    """Return {name: port} of the interface that the step had when it ran."""
    declared = run.step_version.interface.get(use, [])
    return {port["name"]: port for port in declared if isinstance(port, dict) and "name" in port}


def in_words(values, ports, names):
    """Return (name, unit, text, in full) of recorded values; files by the name they have in the project."""
    found = []
    for name, value in values.items():
        port = ports.get(name, {})
        kind = port.get("kind", "text")
        try:
            text, title = (
                shown(kind, from_json(kind, value), exact=True) if not port.get("many") else many(value)
            )
        except (Unfit, TypeError, ValueError):
            text, title = str(value), ""
        if kind in ("product", "catalogue") and value in names:
            text, title = f"{names[value]} ({value[:8]})", value
        found.append((name, "" if kind == "position" else port.get("unit", ""), text, title))
    return found


def many(value):
    """Return what a collected port got: how many."""
    if isinstance(value, dict) and "n" in value:
        return f"{value['n']} collected value{'s' * (value['n'] != 1)}", ""
    return str(value), ""


def environment_in_words(document):
    """Return the facts of an environment as (name, text) pairs, lists and mappings in a line."""
    facts = []
    for name, value in document.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {one}" for key, one in value.items())
        facts.append((name, value))
    return facts
