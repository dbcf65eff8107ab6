"""What people choose about a link: a form for each kind, which offers only columns that fit."""

import json
from hashlib import sha256

from django import forms

from worktables.errors import LinkRefused
from worktables.forms import MONO, name_field
from worktables.linking.changing import settings_of
from worktables.linking.checks import WIDEST, brings, check_radius, comparable, free_lookups
from worktables.linking.collecting import POLICIES, collected_by
from worktables.models import Kind, Link, Worktable

PAIRS = 3  # of columns that must be equal, at least so many are offered
KINDS = [
    ("expand", "expand: items of a list become rows here"),
    ("each", "each: every row there has one row here"),
    ("nearest", "nearest: rows here find the nearest row there on the sky"),
    ("latest-valid-at", "latest-valid-at: rows here find the row there that is valid at their date"),
    ("collect", "collect: rows here take many rows from there into a computation"),
]


class NewLinkForm(forms.Form):
    """Which table a new link leads here from, and of which kind it is."""

    source = forms.ModelChoiceField(Worktable.objects.none(), label="From the table", empty_label=None)
    kind = forms.ChoiceField(choices=KINDS, widget=forms.RadioSelect, label="What happens here")

    def __init__(self, sources, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources


class LinkForm(forms.Form):
    """The settings of a link of one kind.

    Parameters
    ----------
    source, target : Worktable
    known : Link, optional
        The link that is changed.
    """

    fills = True

    def __init__(self, source, target, *args, known=None, **kwargs):
        self.source, self.target, self.known = source, target, known
        self.here, self.there = list(target.columns.all()), list(source.columns.all())
        said = settings_of(known) if known else {}
        super().__init__(*args, initial=self.shown(said), **kwargs)
        if known is None:
            self.add_name()
        self.add_settings(said)
        self.free = free_lookups(target, known) if self.fills else []
        for column in self.free:
            self.fields[f"fill.{column.name}"] = forms.ChoiceField(
                label=_named(column),
                required=False,
                choices=[("", "nothing"), *self.sources_of(column)],
            )

    def lacks(self):
        """Return (table, what it lacks) if there can be no such link, or None."""
        return

    def add_name(self):
        """Ask for the name of a new link."""
        self.fields["name"] = name_field(
            "Name of the link", "As in “known_object”: it stays, and reasons name it."
        )

    def add_settings(self, said):
        """Add what this kind asks for."""

    def sources_of(self, column):
        """Return the choices of what may fill a column: those columns of the source that fit."""
        fit = [one for one in self.there if brings(column, one.kind, one.unit, one.element)]
        return [(f"column:{one.name}", _named(one)) for one in fit]

    def shown(self, said):
        """Return settings as the fields show them."""
        shown = {key: value for key, value in said.items() if value and not isinstance(value, dict)}
        for key, word in (("fields", "field"), ("carry", "column"), ("lookup", "column")):
            shown |= {f"fill.{to}": f"{word}:{one}" for one, to in said.get(key, {}).items()}
        if said.get("separation"):
            shown[f"fill.{said['separation']}"] = "separation:"
        for number, (one, other) in enumerate(said.get("match", {}).items(), 1):
            shown |= {f"match.{number}.there": one, f"match.{number}.here": other}
        return shown

    def add_choice(self, name, label, columns, *, required=True, help_text=""):
        """Add a choice among columns."""
        choices = [(column.name, _named(column)) for column in columns]
        self.fields[name] = forms.ChoiceField(
            label=label,
            required=required,
            help_text=help_text,
            choices=choices if required else [("", "none"), *choices],
        )

    def add_match(self, said):
        """Add the pairs of columns that must be equal."""
        there = [one for one in self.there if any(comparable(one, other) for other in self.here)]
        here = [one for one in self.here if any(comparable(one, other) for other in self.there)]
        self.n_pairs = max(PAIRS, len(said.get("match", {})) + 1)
        for number in range(1, self.n_pairs + 1):
            self.add_choice(
                f"match.{number}.there", f"{number}. in {self.source.name}", there, required=False
            )
            self.add_choice(f"match.{number}.here", f"and in {self.target.name}", here, required=False)

    def clean_radius(self):
        """Refuse a radius where it is typed."""
        radius = self.cleaned_data["radius"]
        if radius is not None:
            try:
                check_radius(radius)
            except LinkRefused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return radius

    def clean(self):
        """Refuse half a pair, and a second pair for a column of the source."""
        facts = super().clean()
        seen = set()
        for number in range(1, getattr(self, "n_pairs", 0) + 1):
            one, other = (facts.get(f"match.{number}.{end}") for end in ("there", "here"))
            if bool(one) != bool(other):
                missing = "here" if one else "there"
                self.add_error(f"match.{number}.{missing}", "Choose both columns of a pair, or none.")
            elif one in seen:
                self.add_error(f"match.{number}.there", f"“{one}” is in a pair already; it can be in one.")
            seen |= {one} - {None, ""}
        return facts

    def filled(self, word):
        """Return {what: column} of what the columns are filled with, of one sort."""
        found = {}
        for column in self.free:
            sort, _, name = self.cleaned_data.get(f"fill.{column.name}", "").partition(":")
            if sort == word and name in found:
                self.add_error(
                    f"fill.{column.name}", f"“{name}” fills “{found[name]}” already; one column takes it."
                )
            elif sort == word:
                found[name] = column.name
        return found

    def matched(self):
        """Return {column of the source: column of the target} of the pairs."""
        pairs = ((f"match.{number}.there", f"match.{number}.here") for number in range(1, self.n_pairs + 1))
        return {
            self.cleaned_data[one]: self.cleaned_data[other]
            for one, other in pairs
            if self.cleaned_data.get(one)
        }

    def chosen(self, *names):
        """Return these settings; what is left empty is none."""
        return {name: self.cleaned_data.get(name) or None for name in names}

    def settings(self):
        """Return what was chosen as `draft_link` and `change_link` take it; None where there is nothing."""
        raise NotImplementedError

    def digest(self):
        """Return a word for what was chosen: what is saved is what was previewed."""
        told = json.dumps([self.cleaned_data.get("name"), self.settings()], sort_keys=True)
        return sha256(told.encode()).hexdigest()[:16]


class EachForm(LinkForm):
    """A row for every row."""

    def settings(self):
        """Return what is carried."""
        return {"carry": self.filled("column")}


class ExpandForm(LinkForm):
    """A row for every item of a list."""

    def add_settings(self, said):
        """Ask for the list, and how an item finds its row again."""
        self.lists = [one for one in self.there if one.kind == Kind.CATALOGUE]
        mine = free_lookups(self.target, self.known)
        places = [one for one in mine if one.kind == Kind.POSITION]
        widths = [one for one in self.there if one.kind == Kind.FLOAT and brings(one, Kind.FLOAT, "arcsec")]
        self.add_choice("item", f"List of {self.source.name}", self.lists)
        self.add_choice(
            "sky", "Found again by its place in", places, required=False,
            help_text="The nearest item keeps the row, with its comments, within the limit below.",
        )  # fmt: skip
        self.add_choice(
            "within",
            "Within half of",
            widths,
            required=False,
            help_text="Such as the beam of its row, in arcsec.",
        )
        self.fields["radius"] = forms.FloatField(
            label="Or within a radius, in arcsec",
            required=False,
            min_value=0,
            widget=forms.NumberInput(attrs=_ANY),
        )
        self.fields["key"] = forms.MultipleChoiceField(
            label="Or found again by equal",
            required=False,
            choices=[
                (one.name, one.name)
                for one in mine
                if one.kind in (Kind.TEXT, Kind.INT, Kind.FLOAT, Kind.TIME)
            ],
            widget=forms.CheckboxSelectMultiple,
        )

    def lacks(self):
        """Ask for a list."""
        return (
            None
            if self.lists
            else (self.source, "no list of items: a column of kind catalogue, which a step fills")
        )

    def sources_of(self, column):
        """Return fields of the items that fit, then columns that are carried."""
        fields = {
            field["name"]: field
            for cell in self.there if cell.kind == Kind.CATALOGUE
            for field in cell.schema if brings(column, field["kind"], field.get("unit", ""))
        }  # fmt: skip
        items = [(f"field:{name}", _with_unit(name, one.get("unit", ""))) for name, one in fields.items()]
        carried = super().sources_of(column)
        return [("Of the item", items)] * bool(items) + [
            (f"Of its row of {self.source.name}", carried)
        ] * bool(carried)

    def settings(self):
        """Return the list, what it fills, and what makes an item the same."""
        chosen = self.chosen("item", "sky", "within", "radius", "key")
        if chosen["key"] and not chosen["sky"]:
            chosen |= {"within": None, "radius": None}
        return {**chosen, "fields": self.filled("field"), "carry": self.filled("column")}


class NearestForm(LinkForm):
    """The nearest on the sky."""

    def add_settings(self, said):
        """Ask for the two positions, and how far is near."""
        self.add_choice("of", f"Position in {self.source.name}", _positions(self.there))
        self.add_choice("position", f"Position in {self.target.name}", _positions(self.here))
        self.fields["radius"] = forms.FloatField(
            label="At most so far, in arcsec",
            widget=forms.NumberInput(attrs=_ANY),
            help_text=f"Up to {WIDEST}.",
        )

    def lacks(self):
        """Ask for positions."""
        return _lack(self, _positions, "no position; add a column of kind position")

    def sources_of(self, column):
        """Return columns that fit, and the separation."""
        away = [("separation:", "the separation [arcsec]")] if brings(column, Kind.FLOAT, "arcsec") else []
        return [*super().sources_of(column), *away]

    def settings(self):
        """Return positions, radius, and what is looked up."""
        apart = [f"fill.{column.name}" for column in self.free]
        apart = [name for name in apart if self.cleaned_data.get(name) == "separation:"]
        for name in apart[1:]:
            self.add_error(name, "One column takes the separation.")
        separation = apart[0].removeprefix("fill.") if apart else None
        return {
            **self.chosen("of", "position"),
            "radius": self.cleaned_data.get("radius"),
            "separation": separation,
            "lookup": self.filled("column"),
        }


class LatestForm(LinkForm):
    """What is valid at a date."""

    def add_settings(self, said):
        """Ask for the date, the interval, what must be equal, and what is narrower."""
        times, numbers = _times(self.there), [one for one in self.there if one.kind in (Kind.INT, Kind.FLOAT)]
        self.add_choice("date", f"Date in {self.target.name}", _times(self.here))
        self.add_choice("valid_from", f"Valid from, in {self.source.name}", times)
        self.add_choice(
            "valid_to",
            f"Valid to, in {self.source.name}",
            times,
            required=False,
            help_text="None: every end is open.",
        )
        self.add_choice(
            "scope", "Of several, the lowest in", numbers, required=False,
            help_text="None: the shortest interval wins.",
        )  # fmt: skip
        self.add_match(said)

    def lacks(self):
        """Ask for times."""
        return _lack(self, _times, "no time; add a column of kind time")

    def settings(self):
        """Return date, interval, pairs, scope, and what is looked up."""
        chosen = self.chosen("date", "valid_from", "valid_to", "scope")
        return {**chosen, "match": self.matched(), "lookup": self.filled("column")}


class CollectForm(LinkForm):
    """Many rows into one."""

    fills = False

    def add_name(self):
        """Offer the names under which the pipeline collects."""
        taken = set(Link.objects.filter(target=self.target).values_list("name", flat=True))
        self.names = [name for name in collected_by(self.target) if name not in taken]
        self.fields["name"] = forms.ChoiceField(
            label="What the pipeline collects",
            choices=[
                (name, f"{name}: {', '.join(port.column for port in collected_by(self.target)[name])}")
                for name in self.names
            ],
        )

    def add_settings(self, said):
        """Ask which rows, and what is done with failed ones."""
        self.add_match(said)
        words = {
            "block": "the row waits until that is mended",
            "skip": "the row is made without it, and says so",
        }
        self.fields["policy"] = forms.ChoiceField(
            label="When a collected row has failed",
            choices=[(policy, words[policy]) for policy in POLICIES],
            widget=forms.RadioSelect,
            initial="block",
        )

    def lacks(self):
        """Ask for a pipeline that collects."""
        if self.known is not None or self.names:
            return None
        if collected_by(self.target):
            return (
                self.target,
                "a link for everything its pipeline collects already; change that one, or remove it",
            )
        return self.target, "no pipeline that collects rows of another table"

    def settings(self):
        """Return pairs and policy."""
        return {"match": self.matched(), **self.chosen("policy")}


FORMS = {
    "each": EachForm,
    "expand": ExpandForm,
    "nearest": NearestForm,
    "latest-valid-at": LatestForm,
    "collect": CollectForm,
}
_ANY = {**MONO, "step": "any"}


def _named(column):
    return _with_unit(column.name, column.unit)


def _with_unit(name, unit):
    return f"{name} [{unit}]" if unit else name


def _positions(columns):
    return [column for column in columns if column.kind == Kind.POSITION]


def _times(columns):
    return [column for column in columns if column.kind == Kind.TIME]


def _lack(form, among, what):
    """Return the first table that has no column among some."""
    for table, columns in ((form.source, form.there), (form.target, form.here)):
        if not among(columns):
            return table, what
    return None
