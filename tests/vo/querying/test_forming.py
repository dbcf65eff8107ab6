"""A form and its ADQL say the same, there and back."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vo.adql import AdqlError, Column, Position, Table, Tables, translate
from vo.querying.conditions import BeyondForm
from vo.querying.forming import Cone, Form, Range, Truth, Words, adql_of
from vo.querying.reading import form_of

COLUMNS = (
    Column("ra", "float", "deg", "pos.eq.ra"),
    Column("dec", "float", "deg", "pos.eq.dec"),
    Column("flux", "float", "mJy", "phot.flux.density"),
    Column("n", "int"),
    Column("size", "float"),  # a word of SQL
    Column("observed at", "time"),
    Column("name", "text", "", "meta.id"),
    Column('odd "text"', "text"),
    Column("good", "bool"),
    Column("spectrum", "array", element="float"),
)
TABLE = Table("virgo", "sources", "t", COLUMNS, (Position("ra", "dec"),))
TABLES = Tables.of([TABLE])


def of_kind(*kinds):
    return st.sampled_from([column.name for column in COLUMNS if column.kind in kinds])


numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.sampled_from([".5", "3.", "1e-3", "-2.50"]),
)
dates = (
    st.datetimes()
    .map(lambda moment: moment.replace(microsecond=0).isoformat())
    .filter(lambda text: len(text) == 19)
)
texts = st.text(string.printable + "äß🜨'\"%_", min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and text.isprintable() and not set(text) & set("*,")
)
patterns = (
    st.lists(texts.filter(lambda text: "%" not in text), min_size=1, max_size=2)
    .map("*".join)
    .flatmap(lambda text: st.sampled_from([f"*{text}", f"{text}*", f"*{text}*"]))
)


@st.composite
def ranges(draw):
    """Draw a range of numbers, or of times."""
    column = draw(of_kind("int", "float", "time"))
    bounds = st.one_of(numbers, dates) if column == "observed at" else numbers
    low, high = draw(st.one_of(st.just(""), bounds)), draw(st.one_of(st.just(""), bounds))
    if not low and not high:
        low = draw(bounds)
    return Range(column, low, high, bool(low) and draw(st.booleans()), bool(high) and draw(st.booleans()))


degrees = st.floats(-90, 90, allow_subnormal=False).map(repr)
cones = st.builds(
    Cone,
    st.just(("ra", "dec")),
    st.floats(0, 359.99, allow_subnormal=False).map(repr),
    degrees,
    st.floats(1e-5, 180).map(repr),
)
words = st.builds(
    Words,
    of_kind("text"),
    st.one_of(
        st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple), patterns.map(lambda one: (one,))
    ),
)
constraints = st.lists(
    st.one_of(ranges(), cones, words, st.builds(Truth, st.just("good"), st.booleans())),
    max_size=4,
    unique_by=lambda one: getattr(one, "column", "place"),
).map(tuple)
forms = st.builds(
    Form,
    st.just("virgo"),
    st.just("sources"),
    st.lists(st.sampled_from([column.name for column in COLUMNS]), unique=True).map(tuple),
    constraints,
    st.one_of(st.just(""), of_kind("int", "float", "text")),
    st.just(False),
    st.one_of(st.none(), st.integers(0, 10**6)),
)


@settings(max_examples=300, deadline=None)
@given(forms, st.booleans())
def test_a_form_comes_back_from_its_adql(form, descending):
    from dataclasses import replace

    form = replace(form, descending=descending and bool(form.order))

    assert form_of(adql_of(form), TABLES) == form


@settings(max_examples=100, deadline=None)
@given(forms)
def test_what_a_form_writes_is_adql(form):
    assert translate(adql_of(form), TABLES, "sqlite").tables == {TABLE}


@pytest.mark.parametrize(
    ("written", "constraint"),
    [
        ("flux > 5", Range("flux", "5", above=True)),
        ("5 <= FLUX", Range("flux", "5")),
        ("(flux >= 1) and flux < 2e3", Range("flux", "1", "2e3", below=True)),
        ("n = 3", Range("n", "3", "3")),
        ("good = 1", Truth("good", True)),
        ("'M 87' = name", Words("name", ("M 87",))),
        (
            "CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, -20.5, 0.1)) = 1",
            Cone(("ra", "dec"), "10", "-20.5", "0.1"),
        ),
        ("\"observed at\" >= '2015-12-31'", Range("observed at", "2015-12-31")),
    ],
)
def test_what_others_write_is_read_as_well(written, constraint):
    assert form_of(f"select * from sources where {written}", TABLES).constraints == (constraint,)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM sources AS s", "another name"),
        ("SELECT * FROM sources, sources AS t", "joins"),
        ("SELECT COUNT(*) FROM sources", "more than columns"),
        ("SELECT flux * 2 FROM sources", "more than columns"),
        ("SELECT DISTINCT name FROM sources", "DISTINCT"),
        ("SELECT name FROM sources GROUP BY name", "GROUP BY"),
        ("SELECT name FROM sources OFFSET 5", "OFFSET"),
        ("SELECT n FROM sources UNION SELECT n FROM sources", "several queries"),
        ("WITH s AS (SELECT 1 AS a FROM sources) SELECT * FROM s", "WITH"),
        ("SELECT * FROM sources WHERE flux > 1 OR n = 2", "condition"),
        ("SELECT * FROM sources WHERE NOT good = TRUE", "condition"),
        ("SELECT * FROM sources WHERE flux > n", "calculates"),
        ("SELECT * FROM sources WHERE flux > 1 + 1", "calculates"),
        ("SELECT * FROM sources WHERE flux > 1 AND flux > 2", "two things"),
        ("SELECT * FROM sources WHERE name LIKE 'M%'", "condition"),
        ("SELECT * FROM sources WHERE name IS NULL", "condition"),
        ("SELECT * FROM sources WHERE name = 'a,b'", "letter"),
        ("SELECT * FROM sources WHERE name = ' a'", "text"),
        ("SELECT * FROM sources WHERE 1 = CONTAINS(POINT(dec, ra), CIRCLE(1, 2, 3))", "sky"),
        ("SELECT * FROM sources WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))", "function"),
        ("SELECT * FROM sources ORDER BY flux, n", "more than one"),
        ("SELECT * FROM sources ORDER BY flux * 2", "more than a column"),
        ("SELECT * FROM (SELECT * FROM sources) AS t", "one table"),
        ("SELECT * FROM sources WHERE n IN (1,2,3,4,5,6,7,8,9,10,11)", "long list"),
        ("SELECT * FROM sources WHERE n IN (1, 2)", "something else"),
        ("SELECT * FROM sources WHERE EXISTS (SELECT 1 FROM sources)", "condition"),
    ],
)
def test_what_is_beyond_the_form_is_said(query, words):
    translate(query, TABLES, "sqlite")

    with pytest.raises(BeyondForm, match=words):
        form_of(query, TABLES)


def test_a_table_that_is_not_there_is_no_form():
    with pytest.raises(AdqlError, match="There is no table"):
        form_of("SELECT * FROM other", TABLES)
