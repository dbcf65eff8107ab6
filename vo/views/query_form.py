"""Asking by what is meant: a form of a table, which writes ADQL and reads it again."""

from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from vo.adql import AdqlError, Tables
from vo.catalogue import schemas_for
from vo.parameters import base_of
from vo.querying.browsing import is_older
from vo.querying.conditions import BeyondForm
from vo.querying.filling import UNITS, fields_of, form_from
from vo.querying.forming import Form, adql_of
from vo.querying.meaning import groups_of
from vo.querying.naming import place_in
from vo.querying.reading import form_of
from vo.querying.remembering import remember
from vo.tap.schema import table_name
from vo.views.querying import address_of, query_page, text_of


@require_http_methods(["GET", "HEAD", "POST"])
def query_form(request):
    """Show the form of a table, filled as a query says; what is posted becomes a query, and is run."""
    schemas = schemas_for(request.user, base_of(request))
    tables = Tables.of(table for schema in schemas for table in schema.tables)
    if request.method == "POST":
        return written(request, schemas, tables)
    text = text_of(request.GET)
    form, beyond = None, ""
    if text.strip():
        try:
            form = form_of(text, tables)
        except BeyondForm as error:
            beyond = f"{error}"
        except AdqlError:
            return redirect(address_of(text) or "query")  # where it is said what is wrong
    table = found_table(
        tables, request.GET.get("table", "") or (f"{form.schema}.{form.table}" if form else "")
    )
    if table and not form and not beyond:
        form = Form(table.schema, table.name)
    return form_page(request, schemas, table, fields_of(form) if form else {}, text=text, beyond=beyond)


def written(request, schemas, tables):
    """Write what a form says as ADQL, and go where it is run; or show what is wrong with it."""
    table = found_table(tables, request.POST.get("table", ""))
    if table is None:
        return form_page(request, schemas, None, {}, status=404)
    said = request.POST.dict() | {"show": request.POST.getlist("show")}
    form, problems = form_from(table, said, place_in(table, request.user, schemas))
    if form is None:
        return form_page(request, schemas, table, said, problems=problems, status=400)
    text = adql_of(form)
    remember(text, request.user, now=timezone.now())
    address = address_of(text)
    return HttpResponseRedirect(address) if address else query_page(request, text)


def found_table(tables, name):
    """Return the table of a name with its schema, as ADQL writes it; None if there is none."""
    return next((table for table in tables if name in (table.full_name, table_name(table))), None)


def form_page(request, schemas, table, filled, *, text="", beyond="", problems=(), status=200):
    """Show a form as it is filled in, and what is wrong with it."""
    wrong = {problem.field: str(problem) for problem in problems}
    facts = {
        "here": "form",
        "title": "Query by meaning",
        "text": text,
        "address": address_of(text),
        "beyond": beyond,
        "choices": choices_of(schemas),
        "table": table,
        "chosen": table_name(table) if table else "",
        "groups": [group_facts(group, filled, wrong) for group in groups_of(table)] if table else [],
        "filled": filled,
        "units": list(UNITS),
        "wrong": wrong,
        "shown": [(column, column.name in (filled.get("show") or ())) for column in table.columns]
        if table
        else [],
        "sortable": [column for column in table.columns if column.kind != "array"] if table else [],
    }
    return render(request, "vo/query/form.html", facts, status=status)


def choices_of(schemas):
    """Return the tables one may choose from, by schema: of each the latest version."""
    found = []
    for schema in schemas:
        listed = [(table_name(one), one.title) for one in schema.tables if not is_older(one, schema)]
        found.append((schema.name, listed))
    return sorted(found, key=lambda one: (one[0] in ("tap_schema", "ivoa"), one[0]))


def group_facts(group, filled, wrong):
    """Return a group of fields as the page shows it."""
    columns = []
    for column in group.columns:
        fields = ("is",) if column.kind in ("text", "bool") else ("from", "to")
        names = [f"{field}.{column.name}" for field in fields]
        columns.append(
            {
                "column": column,
                "fields": [
                    {
                        "name": name,
                        "label": field,
                        "value": filled.get(name, ""),
                        "error": wrong.get(name, ""),
                    }
                    for field, name in zip(fields, names, strict=True)
                ],
                "is_filled": any(filled.get(name) for name in names),
            }
        )
    filled_in = any(one["is_filled"] for one in columns) or bool(group.places and filled.get("place"))
    return {"name": group.name, "columns": columns, "places": group.places, "is_filled": filled_in}
