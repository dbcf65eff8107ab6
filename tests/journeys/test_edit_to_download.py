"""The path of a number: from an edit, over a colleague's screen, to a file on a stranger's disk."""

import csv
import io

import pytest

pytestmark = pytest.mark.journey
PATIENCE = 30_000  # ms


def table_id(api, name):
    _, found = api("demo", "/api/worktables/")
    return next(t["id"] for t in found["results"] if t["name"] == name and t["project"] == "almacal")


def cell(page, row, column):
    place = page.eval_on_selector(f"th[data-column={column}]", "head => head.cellIndex")
    return page.locator(f"#row-{row} > :nth-child({place + 1})")


def test_a_newcomer_finds_science(visit, portal):
    page = visit("demo")

    page.get_by_role("link", name="Calibrator fields").first.click()
    graph = page.locator(".graph")
    assert {"observations", "sources", "catalogue", "counts"} <= set(graph.inner_text().split())
    graph.get_by_text("observations", exact=True).first.click()
    page.wait_for_selector("#grid")
    assert page.locator("#grid tbody tr").count() == 14
    assert page.locator("#status").inner_text().startswith("All 14 rows are fresh")

    page.locator("#row-1 th a").click()
    page.wait_for_selector("h1:has-text('Row 1')")
    size = page.evaluate(
        """async () => {
            const picture = document.querySelector("figure.image image").href.baseVal;
            const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
            return [bitmap.width, bitmap.height];
        }"""
    )
    assert min(size) >= 128
    items = page.locator("table.items tbody tr").count()
    assert items >= 3
    assert page.locator("figure.image svg a.mark").count() == items
    assert "Sources (BaSC)" in page.inner_text("main")
    # The lineage comes after the page; its chain ends at whoever typed the folder.
    page.get_by_text("typed by demo").first.wait_for(state="attached")


def test_an_edit_reaches_a_colleagues_open_page_and_the_download(visit, api, portal):
    observations, counts = table_id(api, "observations"), table_id(api, "counts")
    _, runs_before = api("demo", f"/api/worktables/{observations}/rows/2/runs/")
    _, others_before = api("demo", f"/api/worktables/{observations}/rows/3/runs/")
    mine, theirs = visit("demo"), visit("colleague")
    theirs.goto(f"{portal.address}/worktables/{observations}/")
    theirs.evaluate("window.loadedOnce = true")
    seed = cell(theirs, 2, "seed")
    watched = theirs.evaluate_handle(
        """() => {
            const seen = [];
            const look = () => seen.push(document.querySelector('#row-2 .state')?.dataset.state);
            new MutationObserver(look).observe(document.querySelector('#grid'), {subtree: true, childList: true});
            return seen;
        }"""
    )

    mine.goto(f"{portal.address}/worktables/{observations}/")
    cell(mine, 2, "seed").click()
    mine.keyboard.press("Enter")
    mine.keyboard.type("17")
    mine.keyboard.press("Enter")

    theirs.wait_for_function(
        "place => document.querySelector('#row-2').children[place].textContent.trim() === '17'",
        arg=theirs.eval_on_selector("th[data-column=seed]", "head => head.cellIndex"),
        timeout=PATIENCE,
    )
    theirs.wait_for_selector("#row-2 .state[data-state=fresh]", timeout=PATIENCE)
    # On the way it is queued and running, unless it is computed before the page asks.
    states = theirs.evaluate("seen => seen", watched)
    assert states
    assert set(states) <= {"stale", "queued", "running", "fresh"}
    assert seed.inner_text().strip() == "17"
    assert theirs.evaluate("window.loadedOnce"), "the page was not loaded again"

    _, runs = api("demo", f"/api/worktables/{observations}/rows/2/runs/")
    new = [run["step"] for run in runs if run["id"] > max(r["id"] for r in runs_before)]
    assert "sources" in new
    assert not {"products", "beam"} & set(new)
    assert api("demo", f"/api/worktables/{observations}/rows/3/runs/")[1] == others_before

    mine.goto(f"{portal.address}/worktables/{counts}/?band=6")
    mine.wait_for_selector("#status:has-text('fresh')", timeout=PATIENCE)
    mine.locator("summary", has_text="Download").click()
    with mine.expect_download() as download:
        mine.get_by_role("link", name="CSV").first.click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["band"] for row in rows] == ["6", "6", "6"]
    assert all(float(row["n_per_deg2"]) > 0 for row in rows)


def test_a_collaborator_flags_and_comments_and_changes_nothing_else(visit, api, portal):
    observations = table_id(api, "observations")
    page = visit("colleague")
    page.goto(f"{portal.address}/worktables/{observations}/")
    assert page.locator("td.editable").count() == 0
    assert page.get_by_role("link", name="Add a row").count() == 0

    page.goto(f"{portal.address}/worktables/{observations}/rows/4/")
    page.fill("textarea[name=text]", "the sidelobes look odd")
    page.get_by_role("button", name="Flag").click()
    page.wait_for_selector("text=the sidelobes look odd")

    status, answer = api(
        "colleague",
        f"/api/worktables/{observations}/rows/4/cells/seed/",
        "PATCH",
        value=3,
        seen=None,
    )
    assert (status, answer["code"]) == (403, "permission-denied")
    assert api("visitor", f"/api/worktables/{observations}/rows/4/")[0] == 200


def test_the_pages_work_in_the_narrow_and_the_dark(visit, api, portal):
    observations = table_id(api, "observations")
    page = visit("visitor", viewport={"width": 400, "height": 860}, color_scheme="dark")
    for path in (
        "/",
        "/projects/almacal/",
        f"/worktables/{observations}/",
        f"/worktables/{observations}/rows/1/",
    ):
        page.goto(portal.address + path)
        if page.locator("[data-fragment]").count():
            page.locator("[data-fragment][data-filled=done]").wait_for()
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{path} is {overflow} px too wide"


def test_the_lineage_of_a_row_is_not_shown_before_its_style(visit, api, portal):
    observations = table_id(api, "observations")
    page, held = visit("visitor", viewport={"width": 400, "height": 860}), []
    page.route("**/lineage.css", lambda route: held.append(route))

    with page.expect_request("**/lineage.css"):
        page.goto(f"{portal.address}/worktables/{observations}/rows/1/")
    assert page.locator(".lineage").count() == 0
    while not held:  # the request is seen before it is handed over
        page.wait_for_timeout(10)
    held[0].continue_()

    page.locator("[data-fragment][data-filled=done] .lineage").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_empty_text_and_null_are_typed_by_keys_and_look_different(visit, api, portal):
    catalogue = table_id(api, "catalogue")
    page = visit("demo")
    page.goto(f"{portal.address}/worktables/{catalogue}/")

    def kept(row):
        return api("demo", f"/api/worktables/{catalogue}/rows/{row}/")[1]["cells"]["type"]

    def type_into(row, *keys):
        cell(page, row, "type").click()
        for key in ("Enter", *keys):
            page.keyboard.press(key)
        page.wait_for_function(
            "row => !document.querySelector('#grid td:is(.editing, .saving)')"
            " && document.getElementById(`row-${row}`)",
            arg=row,
        )

    type_into(1, "Delete", "Enter")
    assert kept(1) is None
    type_into(2, "Delete", "ArrowDown", "Enter")
    assert kept(2) == ""
    cell(page, 2, "type").and_(page.locator(".blank")).wait_for()
    assert cell(page, 2, "type").inner_text().strip() == "“”"
    cell(page, 1, "type").and_(page.locator(".null")).wait_for()

    # The box says in words what it stands for, to whoever listens too.
    cell(page, 2, "type").click()
    page.keyboard.press("Enter")
    page.locator("#grid td.editing [role=status]", has_text="empty text “”; ↓ for null").wait_for(
        state="attached"
    )
    assert page.locator("#grid td.editing input").get_attribute("aria-describedby") == "cell-emptiness"
    page.get_by_role("button", name="empty text").click()
    page.keyboard.press("Enter")
    cell(page, 2, "type").and_(page.locator(".null")).wait_for()
    assert kept(2) is None
