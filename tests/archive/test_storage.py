"""Files by hash: whole or not at all, shared by content, and never outside of their folder."""

import os
from hashlib import sha256
from io import BytesIO

import pytest

from archive.errors import FileLost, NotAHash, PathRefused
from archive.folders import project_folder, resolve_in
from archive.keeping import keep_product
from archive.models import Product
from archive.storage import clear_incoming, name_of, open_blob, path_of, put, size_of, written_by


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.mark.parametrize("wrap", [bytes, BytesIO])
def test_what_is_put_in_comes_back_by_its_hash(store, wrap):
    data = b"pixels" * 1000

    kept = put(wrap(data))

    assert kept == sha256(data).hexdigest()
    assert path_of(kept) == store / kept[:2] / kept[2:4] / kept
    assert size_of(kept) == len(data)
    with open_blob(kept) as file:
        assert file.read() == data
    assert list((store / "incoming").iterdir()) == []


def test_the_same_bytes_are_kept_once(store):
    before = path_of(put(b"pixels")).stat().st_ino

    assert path_of(put(BytesIO(b"pixels"))).stat().st_ino == before


def test_a_file_that_breaks_off_leaves_nothing(store):
    class Broken(BytesIO):
        def read(self, size=-1):
            raise OSError("the line went dead")

    with pytest.raises(OSError, match="went dead"):
        put(Broken(b"pixels"))

    assert [path for path in store.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_unfinished_goes_and_what_is_being_written_stays(store):
    incoming = store / "incoming"
    incoming.mkdir(parents=True)
    for name in (f"{written_by(11)}a", f"{written_by(112)}b", f"{written_by(12)}c", "another-host.11.d"):
        (incoming / name).touch()
    os.utime(incoming / f"{written_by(12)}c", (0, 0))

    assert clear_incoming([11]) == 2
    assert {path.name for path in incoming.iterdir()} == {f"{written_by(112)}b", "another-host.11.d"}


@pytest.mark.django_db  # a run may be known that makes it again
def test_a_lost_file_is_said_to_be_lost():
    for ask in (open_blob, path_of, size_of):
        with pytest.raises(FileLost, match="is not in the file store"):
            ask("a" * 64)


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", None])
def test_only_a_hash_names_a_file(text):
    with pytest.raises(NotAHash):
        name_of(text)


def test_a_product_is_recorded_once_in_each_project(project, make_project, owner):
    other = make_project("coma", owner)

    first = keep_product(project, b"pixels", "a.fits", header={"BMAJ": 0.1}, by=owner)
    again = keep_product(project, b"pixels", "b.fits")
    elsewhere = keep_product(other, b"pixels", "a.fits")

    assert (first.size, first.header, first.created_by) == (6, {"BMAJ": 0.1}, owner)
    assert again == first
    assert again.name == "a.fits"
    assert elsewhere != first
    assert Product.objects.filter(sha256=first.sha256).count() == 2


def test_a_project_reads_below_the_archive_root(project, settings, tmp_path):
    settings.STOA_ARCHIVE_ROOT = tmp_path

    assert project_folder(project) == tmp_path / "virgo"


@pytest.mark.parametrize("relative", ["a/b", ".", "", "a/./b", "..a"])
def test_a_path_below_the_folder_is_found(tmp_path, relative):
    assert resolve_in(tmp_path, relative) == (tmp_path / relative).resolve()


@pytest.mark.parametrize("relative", ["..", "a/../../b", "/etc/passwd", "a\0b", "a\\..\\b"])
def test_a_path_that_leaves_the_folder_is_refused_by_name(tmp_path, relative):
    with pytest.raises(PathRefused, match="give a path below the project's folder"):
        resolve_in(tmp_path, relative)


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "way").symlink_to(outside)

    with pytest.raises(PathRefused, match="by a symbolic link"):
        resolve_in(inside, "way/secret.fits")
