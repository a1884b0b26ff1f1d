from __future__ import annotations

import subprocess

import pytest

from reconciler.core.errors import InvalidInput
from reconciler.core.settings.kinds import (
    LABELS_PATTERN,
    Duration,
    Name,
    RelativePath,
    Switch,
    Url,
    WholeNumber,
    matches,
)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("https://api.lingo.dev", "https://api.lingo.dev"),
        ("https://api.lingo.dev/", "https://api.lingo.dev"),
        ("https://API.Lingo.dev/V1//", "https://api.lingo.dev/V1"),
        ("https://h:8443/a/b%20c", "https://h:8443/a/b%20c"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]:443/x"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.255.0.254/x/", "http://127.255.0.254/x"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:9000/", "http://[::1]:9000"),
    ],
)
def test_urls_that_are_taken(written: str, value: str) -> None:
    assert Url().parse(written, False) == value
    assert Url().parse(value, True) == value


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.lingo.dev", "must begin with https://"),
        ("http://127.0.0.1.evil.example", "must begin with https://"),
        ("http://localhost.evil.example", "must begin with https://"),
        ("http://128.0.0.1", "must begin with https://"),
        ("http://127.0.0.256", "must begin with https://"),
        ("http://127.1", "must begin with https://"),
        ("http://[::2]", "must begin with https://"),
        ("http://[::ffff:127.0.0.1]", "must begin with https://"),
        ("http://0.0.0.0", "must begin with https://"),
        ("https://user:pw@h.example", "user name or password"),
        ("https://user@h.example/x", "user name or password"),
        ("http://127.0.0.1@evil.example", "user name or password"),
        ("https://h.example?x=1", "query or a fragment"),
        ("https://h.example/?", "query or a fragment"),
        ("https://h.example/#a", "query or a fragment"),
        ("https://h.example?a@b", "query or a fragment"),
        ("ftp://h.example", "begins with https://"),
        ("HTTPS://h.example", "begins with https://"),
        ("api.lingo.dev", "begins with https://"),
        ("//api.lingo.dev", "begins with https://"),
        ("", "begins with https://"),
        ("https://", "must be a URL like"),
        ("https:///x", "must be a URL like"),
        ("https://h.example/a b", "must be a URL like"),
        ("https://h.example\n", "must be a URL like"),
        ("https://h.example\\@evil.example", "user name or password"),
        ("https://h.example\\evil", "must be a URL like"),
        ("https://bücher.example", "must be a URL like"),
        ("https://-h.example", "must be a URL like"),
        ("https://h.example:", "must be a URL like"),
        ("https://h.example:x", "must be a URL like"),
        ("https://h.example:0", "port is between"),
        ("https://h.example:65536", "port is between"),
        ("https://[:::]", "valid IPv6"),
        (None, "must be a URL"),
        (7, "must be a URL"),
    ],
)
def test_urls_that_are_refused(url: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        Url().parse(url, False)
    assert "h.example" not in caught.value.message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("engines", "engines"),
        ("./l10n//engines/", "l10n/engines"),
        ("...", "..."),
        ("with blank/é", "with blank/é"),
        ("a..b", "a..b"),
    ],
)
def test_paths_that_are_taken(written: str, value: str) -> None:
    assert RelativePath().parse(written, False) == value


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "path below"),
        (" ", "path below"),
        (None, "path below"),
        (["a"], "path below"),
        ("/etc", "relative"),
        ("~/x", "relative"),
        ("C:/x", "relative"),
        ("C:x", "relative"),
        ("https://h/x", "relative"),
        ("a\\b", "forward slashes"),
        ("..", "stay below"),
        ("a/../b", "stay below"),
        ("a/..", "stay below"),
        (".", "stay below"),
        ("./", "stay below"),
        (".git/x", "git folder"),
        (".github/workflows", "not be in .github/workflows"),
        ("./.GitHub//./Workflows/engines", "not be in .github/workflows"),
        ("a/.GIT", "git folder"),
        ("a\nb", "plain path"),
        ("a\0b", "plain path"),
        ("a ", "plain path"),
        ("a\udcff", "plain path"),
        ("x" * 256, "plain path"),
    ],
)
def test_paths_that_are_refused(path: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        RelativePath().parse(path, False)


def test_a_lockfile_is_json_by_its_name() -> None:
    assert RelativePath(".json").parse("a/b.json", False) == "a/b.json"
    for path in ("engines", "reconcile.yaml", "x.json/", "x/.json", "x.json/y"):
        with pytest.raises(InvalidInput, match=r"must end in \.json"):
            RelativePath(".json").parse(path, False)


@pytest.mark.parametrize("name", ["production", "qa-1", "v1.2", "_x", "0", "a.lock.b", "A" * 100])
def test_names_that_are_taken_are_taken_by_git(name: str) -> None:
    assert Name().parse(name, False) == name
    subprocess.run(["git", "check-ref-format", f"refs/reconcile/{name}"], check=True)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".x",
        "-x",
        "x.",
        "a..b",
        "x.lock",
        "a b",
        "a/b",
        "a\n",
        "é",
        "a" * 101,
        "a@{b",
        "x~1",
        None,
        1.1,
        True,
    ],
)
def test_names_that_are_refused(name: object) -> None:
    with pytest.raises(InvalidInput, match="must be a name"):
        Name().parse(name, False)


def test_switches_are_words_in_text_and_booleans_in_files() -> None:
    assert [Switch().parse(text, True) for text in ("true", "1", "Yes", "on")] == [True] * 4
    assert [Switch().parse(text, True) for text in ("false", "0", "NO", "off")] == [False] * 4
    assert Switch().parse(True, False) is True
    for value, as_text in (("true", False), (1, False), ("maybe", True), (None, True)):
        with pytest.raises(InvalidInput, match="must be true or false"):
            Switch().parse(value, as_text)


def test_a_switch_in_the_schema() -> None:
    assert Switch().schema() == {"type": "boolean"}


def test_numbers() -> None:
    assert WholeNumber(0, 9).parse("007", True) == 7
    for text in ("", "1e0", "²", "1_0", "-0", "9" * 5000):
        with pytest.raises(InvalidInput, match="must be a whole number from 0 to 9"):
            WholeNumber(0, 9).parse(text, True)
    assert Duration(60).parse("500ms", True) == 0.5
    assert Duration(60).parse(60, False) == 60.0
    with pytest.raises(InvalidInput, match="at most 1m 00s"):
        Duration(60).parse("61", True)


def test_a_switch_may_have_words_beside_on_and_off() -> None:
    kind = Switch("pr")
    assert [kind.parse(text, True) for text in ("true", "off", "pr")] == [True, False, "pr"]
    assert [kind.parse(value, False) for value in (True, False, "pr")] == [True, False, "pr"]
    for value in ("PR", "maybe", "", 1, None, ["pr"]):
        with pytest.raises(InvalidInput, match="must be true, pr or false"):
            kind.parse(value, False)
    assert kind.schema() == {"enum": [True, False, "pr"]}


@pytest.mark.parametrize("labels", ["l10n", "area: web, bot", "a" * 50, "é"])
def test_labels(labels: str) -> None:
    assert matches(LABELS_PATTERN, labels)


@pytest.mark.parametrize("labels", ["", ",", "a,,b", "a" * 51, "a\nb", "https://x", ",".join("a" * 21)])
def test_no_labels(labels: str) -> None:
    assert not matches(LABELS_PATTERN, labels)
