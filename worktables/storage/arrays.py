"""Array cells: native arrays on PostgreSQL, little-endian bytes (numbers) or JSON text on SQLite."""

import json

import numpy as np
from django.db import models

TYPES = {"float": ("double precision[]", "<f8"), "int": ("bigint[]", "<i8"), "bool": ("boolean[]", "?")}


class ArrayField(models.Field):
    """A one-dimensional array; hides how each database keeps it."""

    def __init__(self, *args, element="float", **kwargs):
        self.element = element
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        """Return what a copy of this field needs."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "element": self.element}

    def db_type(self, connection):
        """Return the SQL type."""
        if connection.vendor == "postgresql":
            return TYPES[self.element][0] if self.element in TYPES else "text[]"
        return "blob" if self.element in TYPES else "text"

    def get_db_prep_value(self, value, connection, prepared=False):
        """Turn a list into what the database keeps."""
        if value is None or connection.vendor == "postgresql":
            return value
        if self.element in TYPES:
            return np.asarray(value, dtype=TYPES[self.element][1]).tobytes()
        return json.dumps(value)

    def from_db_value(self, value, expression, connection):
        """Turn what the database keeps into a list."""
        if value is None or connection.vendor == "postgresql":
            return value
        if self.element in TYPES:
            return np.frombuffer(value, dtype=TYPES[self.element][1]).tolist()
        return json.loads(value)
