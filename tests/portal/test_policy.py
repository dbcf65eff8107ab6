"""The browser is told to run nothing that did not come as a file of ours, and no page needs more."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


ADDRESSES = ["/", "/accounts/login/", "/nothing/", "/api/", "/admin/login/", "/vo/availability"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_brings_the_policy(client, db, address):
    policy = client.get(address)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("page", sorted((ROOT / "templates").rglob("*.*")), ids=lambda page: page.name)
def test_no_page_has_scripts_or_styles_inside(page):
    text = page.read_text()

    assert not re.search(r'<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+="|javascript:', text)
