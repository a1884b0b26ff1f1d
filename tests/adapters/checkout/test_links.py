"""Where links lead, so that a change of any of them counts."""

from __future__ import annotations

import os
from pathlib import Path

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
