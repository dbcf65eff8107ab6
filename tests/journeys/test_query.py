"""From a half-written word to a worktable: asking in the browser, by keyboard and without scripts."""

import pytest

pytestmark = pytest.mark.journey
PATIENCE = 30_000  # ms
TEXT = "SELECT table_name, column_name FROM tap_schema.columns WHERE column_name = 'ucd'"


def test_a_query_is_written_by_keyboard_and_run(visit, portal):
    page = visit("demo")
    page.get_by_role("link", name="Query", exact=True).click()
    text, options = page.get_by_label("Query in ADQL"), page.locator("#completions").get_by_role("option")
    page.locator("[data-hint]").wait_for()  # which the script shows
    text.click()

    page.keyboard.type("SELECT * FROM tap_sch")
    options.first.wait_for()
    assert "words fit" in page.locator("#completed").inner_text()
    page.keyboard.press("ArrowDown")
    assert text.get_attribute("aria-activedescendant") == "completion-0"
    page.keyboard.press("Enter")
    assert text.input_value().startswith("SELECT * FROM tap_schema.")
    assert options.count() == 0

    page.keyboard.press("Control+A")
    page.keyboard.type("SELECT t.tabl")
    page.keyboard.press("Escape")
    page.keyboard.type(" FROM tap_schema.tables AS t")
    for _ in range(len(" FROM tap_schema.tables AS t")):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+Space")
    options.first.wait_for()
    offered = options.all_inner_texts()
    assert [one.split()[0] for one in offered][:2] == ["t.table_name", "t.table_type"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert text.input_value() == "SELECT t.table_name FROM tap_schema.tables AS t"

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#result table.grid")
    assert "query=SELECT+t.table_name" in page.url
    assert page.locator("#result tbody tr").count() >= 6
    with page.expect_download() as download:
        page.locator("#result summary", has_text="Download").click()
        page.get_by_role("link", name="CSV", exact=True).click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "table_name"
    assert len(lines) - 1 == page.locator("#result tbody tr").count()


def test_what_was_typed_is_there_again_after_a_detour(visit, portal):
    page = visit("demo")
    page.goto(f"{portal.address}/query/")
    page.get_by_label("Query in ADQL").fill("SELECT half a thou")

    page.get_by_role("link", name="Published").click()
    page.get_by_role("link", name="Query", exact=True).click()

    assert page.get_by_label("Query in ADQL").input_value() == "SELECT half a thou"


def test_a_table_is_found_by_a_column_and_put_into_the_query(visit, portal):
    page = visit("demo")
    page.goto(f"{portal.address}/query/")

    page.get_by_label("Search the tables and their columns").fill("meta.ucd")
    page.get_by_role("button", name="Put ivoa.obscore into the query").click()

    assert page.get_by_label("Query in ADQL").input_value() == "ivoa.obscore"


def test_a_job_is_watched_until_it_is_done(visit, portal):
    page = visit("demo")
    page.goto(f"{portal.address}/query/")
    page.get_by_label("Query in ADQL").fill(TEXT)
    page.get_by_label("Format of the result of a job").select_option("csv")

    page.get_by_role("button", name="Run as a job").click()

    page.wait_for_selector("[data-phase=completed]", timeout=PATIENCE)
    with page.expect_download() as download:
        page.locator("#jobs a[download]").click()
    assert "tap_schema.columns,ucd" in download.value.path().read_text()


def test_a_result_becomes_a_worktable(visit, portal):
    page = visit("demo")
    page.goto(f"{portal.address}/query/")
    page.get_by_label("Query in ADQL").fill(TEXT)
    page.get_by_role("button", name="Run", exact=True).click()

    page.get_by_role("button", name="Keep as a worktable").click()
    page.get_by_label("Name of the table").fill("ucd_columns")
    page.get_by_role("button", name="Make the table").click()

    page.wait_for_selector("#grid tbody tr")
    page.get_by_role("link", name="Settings").click()
    assert TEXT in page.get_by_label("Description").input_value()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_form_asks_and_is_filled_in_again(visit, portal, scripts):
    page = visit("demo", java_script_enabled=scripts)
    page.goto(f"{portal.address}/query/form/?table=tap_schema.columns")

    page.get_by_label("column_name is").fill("s_*")
    page.get_by_role("button", name="Ask").first.click()

    assert "column_name ILIKE 's_%'" in page.get_by_label("Query in ADQL").input_value()
    assert page.locator("#result tbody tr").count() >= 7
    page.get_by_role("link", name="By meaning").click()
    assert page.get_by_label("column_name is").input_value() == "s_*"


def test_the_pages_of_queries_fit_a_narrow_screen(visit, portal):
    page = visit("visitor", viewport={"width": 400, "height": 860}, color_scheme="dark")
    for path in ("/query/", "/query/?query=SELECT+*+FROM+tap_schema.columns", "/query/form/?table=ivoa.obscore",
                 "/query/jobs/", "/query/saved/", "/query/history/"):  # fmt: skip
        page.goto(portal.address + path)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, path
