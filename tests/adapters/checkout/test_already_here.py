"""Files that are here as a newer commit has them, for a command that adds them."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.checkout.already_here import already_here
from tests.app.git_repo import commit_all, git, new_repo


def test_a_name_that_git_would_take_for_a_pattern_is_left_out(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "repo", "--template=")
    (root / "a").write_text("a\n")
    head = commit_all(root)
    for name in ("*.json", "new\nline", "b c"):
        (root / name).write_text("written\n")
    commit = commit_all(root)
    git(root, "reset", "--quiet", "--mixed", head)
    assert already_here(root, head, commit) == ["b c"]
