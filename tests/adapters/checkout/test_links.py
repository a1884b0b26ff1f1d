"""Where links lead, so that a change of any of them counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.adapters.checkout.links import targets, ways


def test_links_that_lead_through_links_are_named_one_by_one(tmp_path: Path) -> None:
    top = Path(os.path.realpath(tmp_path))
    (top / "shared/v1").mkdir(parents=True)
    (top / "engines").mkdir()
    (top / "now").symlink_to("shared")
    (top / "shared/newest").symlink_to("v1")
    (top / "engines/x.yaml").symlink_to("../now/newest/x.yaml")
    named = ["engines/x.yaml", "now/newest/x.yaml", "shared/newest/x.yaml", "shared/v1/x.yaml"]
    assert [os.path.relpath(one, top) for one in ways(str(top / "engines/x.yaml"))] == named
    assert [os.path.relpath(one, top) for one in targets(str(top / "engines"), str(top))] == named


def test_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(list(ways(str(tmp_path / "a")))) < 50


def test_what_lies_elsewhere_is_not_looked_into(tmp_path: Path) -> None:
    top = Path(os.path.realpath(tmp_path)) / "repo"
    (top / "more").mkdir(parents=True)
    (top.parent / "big/deep").mkdir(parents=True)
    (top.parent / "big/deep/link").symlink_to("/")
    (top / "engines").symlink_to("../big")
    (top / "more/link").symlink_to("../../big")
    assert list(targets(str(top / "engines"), str(top))) == []
    assert list(targets(str(top / "more"), str(top))) == [str(top / "more/link"), str(top.parent / "big")]


def test_a_link_that_the_system_does_not_tell_of_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    (tmp_path / "x.yaml").symlink_to("/proc/1/cwd")
    monkeypatch.setattr(os.path, "realpath", refused)
    assert list(ways(str(tmp_path / "x.yaml")))[:2] == [str(tmp_path / "x.yaml"), "/proc/1/cwd"]
