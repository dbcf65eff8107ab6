"""How a worktable lies in the database: its physical table, its typed columns, and a model to ask it with."""

from functools import lru_cache

from django.apps.registry import Apps
from django.db import models

from worktables.models import Column, Kind
from worktables.storage.arrays import ArrayField

SYSTEM_FIELDS = {
    "id": lambda: models.BigIntegerField(primary_key=True),
    "parent_id": lambda: models.BigIntegerField(null=True),
    "item_key": lambda: models.TextField(null=True),
    "ordinal": lambda: models.IntegerField(null=True),
    "state": lambda: models.SmallIntegerField(default=0),
    "deleted_at": lambda: models.DateTimeField(null=True),
    "created_at": lambda: models.DateTimeField(),
    "created_by": lambda: models.BigIntegerField(null=True),
    "edited_at": lambda: models.DateTimeField(null=True),
    "edited_by": lambda: models.BigIntegerField(null=True),
}


def fields_of(column):
    """Return the model fields, by name, in which a column is kept: one, or two for a position."""
    name = f"c{column.pk}"
    if column.kind == Kind.POSITION:
        return {f"{name}_ra": models.FloatField(null=True), f"{name}_dec": models.FloatField(null=True)}
    if column.kind == Kind.ARRAY:
        return {name: ArrayField(null=True, element=column.element or "float")}
    field = {
        Kind.BOOL: models.BooleanField,
        Kind.INT: models.BigIntegerField,
        Kind.FLOAT: models.FloatField,
        Kind.TIME: models.FloatField,
        Kind.TEXT: models.TextField,
        Kind.PRODUCT: models.TextField,
        Kind.CATALOGUE: models.TextField,
    }[column.kind]
    return {name: field(null=True)}


class Layout:
    """A worktable's columns as they are now, and the unmanaged model of its rows."""

    def __init__(self, worktable_id, columns):
        self.worktable_id = worktable_id
        self.table = table_name(worktable_id)
        self.columns = list(columns)
        self.by_id = {column.pk: column for column in self.columns}
        self.by_name = {column.name: column for column in self.columns}
        fields = {name: make() for name, make in SYSTEM_FIELDS.items()}
        self.physical = {}
        for column in self.columns:
            own = fields_of(column)
            self.physical[column.pk] = list(own)
            fields |= own
        registry = Apps()
        meta = type(
            "Meta",
            (),
            {"managed": False, "db_table": self.table, "apps": registry, "app_label": "worktables"},
        )
        self.model = type(
            f"Row{worktable_id}", (models.Model,), {"__module__": __name__, "Meta": meta, **fields}
        )

    @property
    def rows(self):
        """All rows that are not deleted, as a queryset."""
        return self.model.objects.filter(deleted_at=None)

    def fields(self, columns):
        """Return the physical field names of these columns, in order."""
        return [name for column in columns for name in self.physical[column.pk]]

    def value(self, column, row):
        """Return a cell's value from a model instance."""
        names = self.physical[column.pk]
        if len(names) == 2:
            pair = (getattr(row, names[0]), getattr(row, names[1]))
            return None if None in pair else pair
        return getattr(row, names[0])

    def values(self, columns, flat):
        """Turn a tuple of physical values (as `fields` orders them) into one value per column."""
        found, at = [], 0
        for column in columns:
            if len(self.physical[column.pk]) == 2:
                pair = (flat[at], flat[at + 1])
                found.append(None if None in pair else pair)
                at += 2
            else:
                found.append(flat[at])
                at += 1
        return found

    def assignments(self, column, value):
        """Return the physical fields a value of this column is written to."""
        names = self.physical[column.pk]
        if len(names) == 2:
            return dict(zip(names, value or (None, None), strict=True))
        return {names[0]: value}


def table_name(worktable_id):
    """Return the name of a worktable's physical table."""
    return f"wt_{int(worktable_id)}"


def layout_of(worktable):
    """Return the layout of a worktable, remembered for as long as its columns stay as they are."""
    return _layout(worktable.pk, worktable.version, worktable._state.db or "default")


@lru_cache(maxsize=512)
def _layout(worktable_id, version, _database):
    return Layout(worktable_id, Column.objects.filter(worktable=worktable_id).order_by("position"))
