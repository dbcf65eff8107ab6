"""ADQL 2.1, the query language of the Virtual Observatory, for SQLite and PostgreSQL; no Django in here."""

from vo.adql.errors import AdqlError
from vo.adql.functions import FUNCTIONS
from vo.adql.tables import Column, Position, Table, Tables
from vo.adql.translating import Translation, translate

__all__ = ["FUNCTIONS", "AdqlError", "Column", "Position", "Table", "Tables", "Translation", "translate"]
