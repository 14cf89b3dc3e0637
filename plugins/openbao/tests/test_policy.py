"""Policies as they are written."""

from __future__ import annotations

import pytest

from policy import UnreadablePolicyError, engines_of, paths


def test_reads_comments_nested_blocks_and_other_attributes() -> None:
    text = """
    # one comment, with path "x" {
    // another
    /* and path "y" { } */
    name = "payments"
    path "secret/data/\\"quoted\\"" {
      capabilities = ["update", "read",]
      allowed_parameters = { "ttl" = ["1h", "2h"], "*" = [] }
      min_wrapping_ttl = "1s"
      control_group { factor "a" { approvals = 2 } }
    }
    path "auth/*" { policy = "write" }
    """
    assert paths(text) == [
        {"path": 'secret/data/"quoted"', "capabilities": ["read", "update"]},
        {"path": "auth/*", "capabilities": []},
    ]


def test_reads_json() -> None:
    text = '{"path": {"secret/*": {"capabilities": ["read", "list"]}}}'
    assert paths(text) == [{"path": "secret/*", "capabilities": ["list", "read"]}]


@pytest.mark.parametrize(
    "text",
    [
        'path "a" {',
        'path "a" { capabilities = "read" }',
        "path a {}",
        'path "a" { capabilities = [read] }',
        "€",
        '{"path": 1}',
        "x",
    ],
)
def test_says_that_it_cannot_read(text: str) -> None:
    with pytest.raises(UnreadablePolicyError):
        paths(text)


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("secret/data/a", ["secret"]),
        ("secret", ["secret"]),
        ("secrets/x", []),
        ("team/kv/data/*", ["team/kv"]),
        ("team*", ["team", "team/kv"]),
        ("*", ["pki", "secret", "team", "team/kv"]),
        ("+/data/x", []),
        ("auth/token/lookup", []),
    ],
)
def test_finds_the_engines_that_a_path_reaches(path: str, reached: list[str]) -> None:
    mounts = ["pki", "secret", "team", "team/kv"]
    assert engines_of([{"path": path, "capabilities": ["read"]}], mounts) == reached
    assert engines_of([{"path": path, "capabilities": ["deny"]}], mounts) == []
