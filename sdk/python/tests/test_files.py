"""Files of a granted directory; natively, the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall import files


@pytest.fixture
def checkout(tmp_path: Path) -> str:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "deep.txt").write_text("é")
    (tmp_path / "b.txt").write_bytes(b"\xff!")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "link").symlink_to("b")
    return str(tmp_path)


def test_a_walk_sees_files_and_links_in_order(checkout: str) -> None:
    seen = [(entry.path.removeprefix(checkout), entry.kind) for entry in files.walk(f"{checkout}/")]
    assert seen == [("/a.txt", "file"), ("/b/deep.txt", "file"), ("/b.txt", "file"), ("/link", "symlink")]
    assert [entry.name for entry in files.read_dir(checkout)] == ["a.txt", "b", "b.txt", "link"]


def test_text_is_read_up_to_a_limit(checkout: str) -> None:
    assert files.read(f"{checkout}/a.txt", 3) == b"one"
    assert files.read_text(f"{checkout}/b/deep.txt", 2) == "é"
    assert files.read_text(f"{checkout}/b.txt", 10) == "\ufffd!"
    with pytest.raises(files.FileError, match=r"a.txt: it is larger than 2 bytes") as refused:
        files.read(f"{checkout}/a.txt", 2)
    assert refused.value.reason == "too-large"


def test_two_paths_to_one_place_have_one_identity(checkout: str) -> None:
    found = files.metadata(f"{checkout}/link")
    assert (found.kind, found.identity) == ("directory", files.metadata(f"{checkout}/b").identity)
    assert files.metadata(f"{checkout}/a.txt").len == 3


def test_what_is_not_there_says_so(checkout: str) -> None:
    for call in (files.read_dir, files.metadata, lambda path: files.read(path, 1)):
        with pytest.raises(files.FileError, match="nope: nothing is there") as missing:
            call(f"{checkout}/nope")
        assert missing.value.reason == "not-found"
