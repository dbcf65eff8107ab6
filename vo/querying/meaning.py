"""What the columns of a table mean, for people who ask by meaning: groups of what one can say something about."""

from dataclasses import dataclass

from vo.adql.tables import Column, Table
from vo.querying.conditions import places_of

# The first group whose UCDs fit has the column (UCD1+ 1.5): the longest beginnings come first.
GROUPS = (
    ("Brightness", ("phot", "arith.ratio;phot", "stat.snr")),
    ("Names", ("meta.id", "meta.main", "meta.ref.ivoid")),
    ("Distance and motion", ("src.redshift", "phys.veloc", "spect.dopplerveloc", "pos.distance",
                             "pos.parallax", "pos.pm")),
    ("Time", ("time",)),
    ("Frequency, wavelength, energy", ("em", "spect")),
    ("Size and shape", ("phys.angsize", "pos.angdistance", "pos.posang", "pos.angresolution", "phys.size")),
    ("Place on the sky", ("pos",)),
    ("Class and quality", ("meta.code", "meta.flag", "src.class", "src.morph", "obs.calib", "stat.probability")),
)  # fmt: skip
OTHER = {
    "bool": "Class and quality",
    "time": "Time",
    "int": "Other numbers",
    "float": "Other numbers",
    "text": "Other texts",
}
FIRST = "Place on the sky"
ORDER = (FIRST, *(name for name, _ in GROUPS if name != FIRST), "Other numbers", "Other texts")


@dataclass(frozen=True)
class Group:
    """Columns that mean something alike; `places` are pairs of columns."""

    name: str
    columns: tuple[Column, ...]
    places: tuple[tuple[str, str], ...] = ()


def groups_of(table: Table) -> list[Group]:
    """Return what can be said something about, by what it means."""
    places = tuple(places_of(table))
    found: dict[str, list[Column]] = {name: [] for name in ORDER}
    for column in table.columns:
        if column.kind in OTHER:
            found[group_of(column)].append(column)
    return [
        Group(name, tuple(columns), places if name == FIRST else ())
        for name, columns in found.items()
        if columns or (places and name == FIRST)
    ]


def group_of(column: Column) -> str:
    """Return the name of the group a column is in."""
    ucd = column.ucd.lower()
    for name, beginnings in GROUPS:
        if any(ucd == one or ucd.startswith((f"{one}.", f"{one};")) for one in beginnings):
            return name
    return OTHER[column.kind]
