"""The browser is told to run nothing that did not come as a file of ours, and no page needs more."""

import re
from pathlib import Path

import pytest

from worktables.columns import NewColumn
from worktables.creating import create_worktable

ROOT = Path(__file__).parents[2]


ADDRESSES = ["/", "/accounts/login/", "/nothing/", "/api/", "/admin/login/", "/vo/availability"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_brings_the_policy(client, db, address):
    policy = client.get(address)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_only_pages_that_send_tables_reach_the_hub_of_samp(client, project, owner):
    table = create_worktable(project, "sources", creator=owner, columns=[NewColumn("name", "text")])
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")

    policy = client.get(f"/worktables/{table.pk}/")["Content-Security-Policy"]
    assert policy.endswith("; connect-src 'self' http://127.0.0.1:21012")
    for other in (f"/worktables/{table.pk}/settings/", f"/worktables/{table.pk}/nothing/", "/", "/handed/x"):
        assert "connect-src" not in client.get(other)["Content-Security-Policy"]


@pytest.mark.parametrize("page", sorted((ROOT / "templates").rglob("*.*")), ids=lambda page: page.name)
def test_no_page_has_scripts_or_styles_inside(page):
    text = page.read_text()

    assert not re.search(r'<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+="|javascript:', text)
