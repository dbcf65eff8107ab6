"""What of ADQL 2.1 is understood, as TAPRegExt names it."""

TAPREGEXT = "ivo://ivoa.net/std/TAPRegExt#features-"

GEOMETRY = "AREA BOX CENTROID CIRCLE CONTAINS COORD1 COORD2 DISTANCE INTERSECTS POINT POLYGON"

TEXT = "VARCHAR(*)"
FUNCTIONS = (
    (
        f"ivo_hasword(haystack {TEXT}, needle {TEXT}) -> INTEGER",
        "1 where needle is a word of haystack, whatever its case",
    ),
    (
        f"ivo_hashlist_has(hashlist {TEXT}, item {TEXT}) -> INTEGER",
        "1 where item is one of the items that # separates",
    ),
    (
        f"ivo_nocasematch(value {TEXT}, pattern {TEXT}) -> INTEGER",
        "1 where value is like pattern, whatever its case",
    ),
    (
        f"ivo_string_agg(expression {TEXT}, delimiter {TEXT}) -> {TEXT}",
        "the texts of a group, one after the other",
    ),
    (
        "ivo_interval_overlaps(l1 NUMERIC, h1 NUMERIC, l2 NUMERIC, h2 NUMERIC) -> INTEGER",
        "1 where two intervals have something in common",
    ),
)

LANGUAGE_FEATURES = {
    f"{TAPREGEXT}adqlgeo": [(name, "") for name in GEOMETRY.split()],
    f"{TAPREGEXT}udf": FUNCTIONS,
    f"{TAPREGEXT}adql-string": [("LOWER", ""), ("UPPER", ""), ("ILIKE", "")],
    f"{TAPREGEXT}adql-sets": [("UNION", ""), ("EXCEPT", ""), ("INTERSECT", "")],
    f"{TAPREGEXT}adql-common-table": [("WITH", "")],
    f"{TAPREGEXT}adql-type": [("CAST", "")],
    f"{TAPREGEXT}adql-unit": [("IN_UNIT", "")],
    f"{TAPREGEXT}adql-offset": [("OFFSET", "")],
}
