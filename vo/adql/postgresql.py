"""The functions that translated queries call on PostgreSQL, in a schema of their own.

`FUNCTIONS` can be executed again and again, by whoever owns the schema; the role that asks needs ``USAGE`` of it.
What `sqlite` says of each is true here too: NULL and what has no finite result give NULL.
"""

from vo.adql.postgresql_shapes import SHAPES
from vo.adql.sqlite import LARGEST_EXPONENT, SMALLEST_EXPONENT

CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def simple(name: str, parameters: str, returns: str, expression: str) -> str:
    """Return the definition of a function that is one expression, which the planner can put in its place."""
    return (
        f"CREATE OR REPLACE FUNCTION adql.{name}({parameters}) RETURNS {returns}\n"
        f"LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$ SELECT {expression} $body$;\n"
    )


def finite(name: str, condition: str = "abs(x) < 'Infinity'", expression: str = "") -> str:
    """Return the definition of a function of one number that is NULL elsewhere."""
    return simple(
        name, "x float8", "float8", f"CASE WHEN {condition} THEN {expression or f'pg_catalog.{name}(x)'} END"
    )


NUMBERS = "".join(
    (
        finite("acos", "x >= -1 AND x <= 1"),
        finite("asin", "x >= -1 AND x <= 1"),
        finite("atan", "x <= 'Infinity'"),
        finite("cos"),
        finite("sin"),
        finite("tan"),
        finite("cot", "abs(x) < 'Infinity' AND x <> 0"),
        finite("sqrt", "x >= 0 AND x < 'Infinity'"),
        finite("ln", "x > 0 AND x < 'Infinity'"),
        finite("log10", "x > 0 AND x < 'Infinity'"),
        finite("degrees", "abs(x) < 3e306"),
        finite("radians"),
        finite("ceiling"),
        finite("floor"),
        finite(
            "exp",
            f"x <= {LARGEST_EXPONENT}",
            f"CASE WHEN x < {SMALLEST_EXPONENT} THEN 0 ELSE pg_catalog.exp(x) END",
        ),
        simple("atan2", "y float8, x float8", "float8", "pg_catalog.atan2(y, x)"),
        simple(
            "power",
            "x float8, y float8",
            "float8",
            f"""CASE WHEN x = 0 THEN CASE WHEN y > 0 THEN 0 WHEN y = 0 THEN 1 END
            WHEN NOT (abs(x) < 'Infinity' AND abs(y) < 1e300) OR (x < 0 AND y <> pg_catalog.floor(y)) THEN NULL
            WHEN y * pg_catalog.ln(abs(x)) > {LARGEST_EXPONENT} THEN NULL
            WHEN y * pg_catalog.ln(abs(x)) < {SMALLEST_EXPONENT} THEN 0
            ELSE pg_catalog.power(x, y) END""",
        ),
        simple(
            "mod",
            "x float8, y float8",
            "float8",
            """CASE WHEN y <> 0 AND abs(x) < 'Infinity' AND abs(y) < 'Infinity'
            AND (abs(y) >= 1 OR abs(x) < abs(y) * 1e307) THEN x - y * trunc(x / y) END""",
        ),
        *(
            simple(
                name,
                "x float8, digits bigint",
                "float8",
                f"""CASE WHEN NOT (abs(x) < 'Infinity') THEN NULL WHEN digits < -300 THEN 0
                WHEN digits > 300 THEN x
                WHEN digits > 0 AND abs(x) > 1e15 / pg_catalog.power(10::float8, digits::float8) THEN x
                WHEN digits >= 0 THEN sign(x) * pg_catalog.floor(abs(x) * pg_catalog.power(10::float8, digits::float8)
                    + {half}) / pg_catalog.power(10::float8, digits::float8)
                WHEN digits < 0 THEN sign(x) * pg_catalog.floor(abs(x) / pg_catalog.power(10::float8, -digits::float8)
                    + {half}) * pg_catalog.power(10::float8, -digits::float8) END""",
            )
            for name, half in (("round", "0.5::float8"), ("truncate", "0::float8"))
        ),
        finite(
            "single", "abs(x) < 3.4028235e38", "CASE WHEN abs(x) < 1e-45 THEN 0 ELSE x::float4::float8 END"
        ),
        simple(
            "float_as_int",
            "x float8, bits integer",
            "bigint",
            """CASE WHEN trunc(x) >= -pg_catalog.power(2::float8, bits - 1)
            AND trunc(x) < pg_catalog.power(2::float8, bits - 1) THEN trunc(x)::bigint END""",
        ),
        simple(
            "int_as_int",
            "x bigint, bits integer",
            "bigint",
            """CASE WHEN bits >= 64 OR (x >= -(1::bigint << (bits - 1))
            AND x < (1::bigint << (bits - 1))) THEN x END""",
        ),
    )
)

DATE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?Z?$"
TEXTS = "".join(
    (
        simple("float_as_text", "x float8", "text", "x::text"),
        simple(
            "text_as_int",
            "x text, bits integer",
            "bigint",
            r"CASE WHEN btrim(x) ~ '^[+-]?[0-9]{1,18}$' THEN adql.int_as_int(btrim(x)::bigint, bits) END",
        ),
        simple(
            "text_as_float",
            "x text",
            "float8",
            r"""CASE WHEN btrim(x) ~ '^[+-]?([0-9]{1,250}\.?[0-9]{0,250}|\.[0-9]{1,250})([eE][+-]?[0-9]{1,3})?$' THEN
            CASE WHEN abs(btrim(x)::numeric) < 1e-307 THEN 0 WHEN abs(btrim(x)::numeric) < 1.797693134862315e308
            THEN btrim(x)::float8 END END""",
        ),
        rf"""
CREATE OR REPLACE FUNCTION adql.text_as_time(x text) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    year integer; month integer; day integer; hour integer; minute integer; second float8;
BEGIN
    IF x !~ '{DATE}' THEN RETURN NULL; END IF;
    year := substr(x, 1, 4); month := substr(x, 6, 2); day := substr(x, 9, 2);
    hour := COALESCE(substring(x from '[T ](\d\d)'), '0');
    minute := COALESCE(substring(x from '[T ]\d\d:(\d\d)'), '0');
    second := COALESCE(substring(x from '[T ]\d\d:\d\d:(\d\d(?:\.\d+)?)'), '0');
    IF year < 1 OR month NOT BETWEEN 1 AND 12 OR hour > 23 OR minute > 59 OR second >= 60 OR day < 1 OR
        day > extract(day FROM make_date(year, month, 1) + interval '1 month' - interval '1 day')
    THEN RETURN NULL; END IF;
    RETURN make_date(year, month, day) - date '1858-11-17' + (hour * 3600 + minute * 60 + second) / 86400;
END $body$;
""",
        simple(
            "time_as_text",
            "x float8",
            "text",
            """CASE WHEN x >= -678575 AND x < 2973484 THEN rtrim(to_char(timestamp '1858-11-17'
            + pg_catalog.floor(x) * interval '1 day' + make_interval(secs => (x - pg_catalog.floor(x)) * 86400),
            'YYYY-MM-DD"T"HH24:MI:SS' || CASE WHEN pg_catalog.round((x - pg_catalog.floor(x)) * 86400e6)::bigint
            % 1000000 = 0 THEN '' ELSE '.US' END)) END""",
        ),
        simple(
            "words",
            "x text",
            "text",
            rf"""' ' || btrim(regexp_replace(translate(x, '{CAPITALS}', '{CAPITALS.lower()}') COLLATE "C",
            '[\x01-\x2f\x3a-\x60\x7b-\x7f]+', ' ', 'g')) || ' '""",
        ),
        simple("hasword", "x text, word text", "boolean", "strpos(adql.words(x), adql.words(word)) > 0"),
    )
)

SKY = "".join(
    (
        simple(
            "distance",
            "ra1 float8, dec1 float8, ra2 float8, dec2 float8",
            "float8",
            """CASE WHEN abs(dec1) <= 90 AND abs(dec2) <= 90 AND abs(ra1) < 1e9 AND abs(ra2) < 1e9 THEN
            pg_catalog.degrees(2 * pg_catalog.asin(LEAST(1, pg_catalog.sqrt(
                pg_catalog.power(pg_catalog.sin(pg_catalog.radians(dec2 - dec1) / 2), 2)
                + pg_catalog.cos(pg_catalog.radians(dec1)) * pg_catalog.cos(pg_catalog.radians(dec2))
                * pg_catalog.power(pg_catalog.sin(pg_catalog.radians(ra2 - ra1) / 2), 2))))) END""",
        ),
        # As `searching.boxes`, for places and radii that are columns.
        """
CREATE OR REPLACE FUNCTION adql.box_around(ra float8, decl float8, radius float8, shift float8) RETURNS box
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    south float8 := decl - radius - 1e-6;
    north float8 := decl + radius + 1e-6;
    half float8;
    west float8;
    east float8;
BEGIN
    IF NOT (radius >= 0 AND abs(decl) <= 90 AND abs(ra) < 1e9) THEN RETURN NULL; END IF;
    IF south <= -90 OR north >= 90 THEN
        IF shift <> 0 THEN RETURN NULL; END IF;
        RETURN box(point(-360, -91), point(720, 91));
    END IF;
    half := degrees(asin(LEAST(1, sin(radians(radius)) / cos(radians(decl)))))
        + 1e-6 / cos(radians(GREATEST(-south, north)));
    west := ra - 360 * floor(ra / 360) - half + shift;
    east := west + 2 * half;
    IF east < -180 OR west > 360 THEN RETURN NULL; END IF;
    RETURN box(point(west, south), point(east, north));
END $body$;
""",
    )
)

FUNCTIONS = f"CREATE SCHEMA IF NOT EXISTS adql;\n{NUMBERS}{TEXTS}{SKY}{SHAPES}"
