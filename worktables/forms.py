"""What people type about tables, columns and rows; every text is read by the kind of its column."""

import re

from django import forms

from pipelines.models import Pipeline
from projects.models import name_validator
from worktables.columns import ELEMENTS, NewColumn
from worktables.formats.errors import FormatError
from worktables.formats.parsing import format_cell, parse_cell
from worktables.models import Kind, Role, Worktable

COLUMN_LINE = re.compile(r"(\S+)(?:\s+(\S+))?(?:\s+\[([^\]]*)\])?(?:\s+(.*))?")
MONO = {"class": "mono", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
EXAMPLES = {
    "bool": "yes or no",
    "int": "such as 42",
    "float": "such as 1.5e-3",
    "time": "2024-05-01T12:00 or an MJD",
    "position": "12:30:49.42 +12:23:28.0 or 187.7059 12.3911",
    "array": "such as [1, 2.5, nan]",
    "product": "sha256 of a kept file",
    "catalogue": "sha256 of a kept catalogue",
}


def name_field(label="Name", help_text=""):
    """Return a field for the name of a table or column."""
    return forms.CharField(
        label=label,
        max_length=63,
        validators=[name_validator],
        help_text=help_text,
        widget=forms.TextInput(attrs=MONO),
    )


class ColumnLines(forms.CharField):
    """Columns, one a line: name, kind, [unit], description."""

    def __init__(self, **facts):
        super().__init__(
            required=False,
            widget=forms.Textarea(
                attrs={
                    **MONO,
                    "rows": 6,
                    "placeholder": "name text\nposition position\nflux float [mJy] at 100 GHz",
                }
            ),
            **facts,
        )

    def clean(self, value):
        """Return the lines as declared columns."""
        declared = []
        for number, line in enumerate(super().clean(value).splitlines(), 1):
            if not line.strip():
                continue
            name, kind, unit, description = COLUMN_LINE.fullmatch(line.strip()).groups(default="")
            if (kind or "text") not in Kind.values:
                raise forms.ValidationError(
                    f"line {number}: “{kind}” is no kind of column; write name, then one of "
                    f"{', '.join(Kind.values)}, then the unit in brackets, then a description"
                )
            declared.append(NewColumn(name, kind or "text", unit=unit.strip(), description=description))
        return declared


class TableForm(forms.Form):
    """A table that does not exist yet."""

    title = forms.CharField(max_length=200, required=False)
    name = name_field(
        help_text="As in “observations”: lower-case letters, digits, underscores; the name in queries."
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    pipeline = forms.ModelChoiceField(
        Pipeline.objects.all(),
        required=False,
        empty_label="none: a plain catalogue",
        help_text="What is computed for each row. Its columns come by themselves.",
    )
    columns = ColumnLines(
        label="Columns",
        help_text="One a line: name, kind, unit in brackets, description. Kinds are "
        "text, int, float, bool, time, position, array, product, catalogue.",
    )
    update = forms.ChoiceField(
        label="When something changes",
        choices=Worktable.Update.choices,
        widget=forms.RadioSelect,
        initial=Worktable.Update.AUTOMATIC,
    )

    def clean(self):
        """Ask for something to fill: a pipeline or a column."""
        facts = super().clean()
        if not self.errors and not facts.get("pipeline") and not facts.get("columns"):
            self.add_error("columns", "A table needs a column: write one, or choose a pipeline.")
        return facts


class TableFactsForm(forms.Form):
    """What a table is called and about, and when it is computed."""

    title = forms.CharField(max_length=200, required=False)
    name = name_field(help_text="Links and what is bound to the table follow by themselves.")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    update = forms.ChoiceField(
        label="When something changes", choices=Worktable.Update.choices, widget=forms.RadioSelect
    )


class BesideForm(forms.Form):
    """What a table beside another one is called."""

    name = name_field("Name of the second table")


class ColumnFactsForm(forms.Form):
    """What a column says about itself."""

    name = name_field()
    unit = forms.CharField(max_length=63, required=False, widget=forms.TextInput(attrs=MONO))
    ucd = forms.CharField(label="UCD", max_length=120, required=False, widget=forms.TextInput(attrs=MONO))
    minimum = forms.FloatField(required=False)
    maximum = forms.FloatField(required=False)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))


class NewColumnForm(ColumnFactsForm):
    """A column that does not exist yet."""

    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.FLOAT)
    role = forms.ChoiceField(
        choices=[(Role.INPUT, "input: typed by people"), (Role.LOOKUP, "lookup: filled by a link")],
        initial=Role.INPUT,
    )
    element = forms.ChoiceField(
        label="Elements of an array",
        required=False,
        choices=[("", "—"), *((name, name) for name in ELEMENTS)],
    )

    field_order = ["name", "kind", "unit", "role", "element", "minimum", "maximum", "ucd", "description"]


class TextOrNull(forms.TextInput):
    """A box for text, and a tick that says what it means when there is nothing in it: empty text, or null."""

    template_name = "worktables/_text_or_null.html"

    def get_context(self, name, value, attrs):
        """Add the tick, with a name that no column has."""
        context = super().get_context(name, value, attrs)
        # A style shows the tick while a placeholder is shown: while there is nothing in the box.
        context["widget"]["attrs"].setdefault("placeholder", " ")
        tick = {"name": f"{name}.blank", "id": f"{context['widget']['attrs'].get('id', name)}_blank"}
        return context | {"tick": tick | {"checked": value == ""}}

    def value_from_datadict(self, data, files, name):
        """Return the text; where there is none, what the tick says."""
        return data.get(name) or ("" if data.get(f"{name}.blank") else None)


class CellField(forms.CharField):
    """A cell, typed as text and read by the kind of its column."""

    def __init__(self, column):
        self.column = column
        about = [column.description, f"[{column.unit}]" if column.unit else ""]
        if column.role == Role.PARAMETER:
            about.append("empty takes the value of the table, the project or the step")
        widget = TextOrNull if column.kind == Kind.TEXT else forms.TextInput
        super().__init__(
            label=column.name,
            required=False,
            strip=False,
            help_text=" · ".join(filter(None, about)),
            widget=widget(attrs={**MONO, "placeholder": EXAMPLES.get(column.kind, "")}),
        )

    def clean(self, value):
        """Return the value that the text says."""
        column, text = self.column, super().clean(value)
        if column.kind == Kind.TEXT and text == "":
            return value
        try:
            return parse_cell(
                column.kind, text, element=column.element, shape=column.shape, time_scale=column.time_scale
            )
        except FormatError as error:
            raise forms.ValidationError(str(error)) from None

    def as_typed(self, value):
        """Return the text that says this value; None where a tick has to say that there is none."""
        if value is None and self.column.kind == Kind.TEXT:
            return None
        return format_cell(self.column.kind, value, element=self.column.element or "float")


class CellsForm(forms.Form):
    """The cells of a row that people fill."""

    prefix = "cell"

    def __init__(self, columns, *args, values=None, inherited=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.columns = {column.name: column for column in columns}
        for column in columns:
            field = self.fields[column.name] = CellField(column)
            if column.role == Role.PARAMETER:
                field.widget.attrs["placeholder"] = (inherited or {}).get(column.pk, ("",))[0]
            if values is not None:
                field.initial = field.as_typed(values[column.name])

    def typed(self):
        """Return {column name: value} of the cells that are not empty."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


class PasteForm(forms.Form):
    """Rows, pasted."""

    text = forms.CharField(
        label="Rows",
        strip=False,
        max_length=20_000_000,
        widget=forms.Textarea(attrs={**MONO, "rows": 14, "wrap": "off"}),
    )
