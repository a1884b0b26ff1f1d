"""A remote, the clone of a person who pushes to it, and a clone that follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reconciler.adapters.checkout.following import Follower, Moved
from reconciler.core.watch.machine import Trouble
from tests.app.git_repo import commit_all, git, new_repo

LOCKFILE = "engines.lock.json"
Change = Callable[[Path], object]


class World:
    """Somebody's clone, the remote, and the clone that follows."""

    def __init__(self, root: Path, *options: str) -> None:
        self.desk = new_repo(root / "desk", "--template=")
        self.origin = root / "origin.git"
        git(root, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(self.origin))
        git(self.desk, "branch", "-M", "main")
        git(self.desk, "remote", "add", "origin", f"file://{self.origin}")
        self.push(lambda desk: self.write(desk, "engines/acme.yaml", "name: one\n"))
        git(root, "clone", "--quiet", "--template=", *options, f"file://{self.origin}", "clone")
        self.clone = root / "clone"
        self.private = self.clone / ".git" / "reconcile"
        self.notices: list[str] = []
        self.written = [LOCKFILE, "i18n.json"]
        self.follower = self.make()

    def make(self, *, keeps: bool = False) -> Follower:
        return Follower(
            self.clone,
            "origin",
            "main",
            private=self.private,
            lockfile=LOCKFILE,
            note=self.private / "lockfile.sha256",
            written=lambda: self.written,
            inputs=["engines", "reconcile.yaml"],
            keeps=keeps,
            notice=self.notices.append,
        )

    @staticmethod
    def write(folder: Path, name: str, content: str) -> Path:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def push(self, change: Change, *options: str) -> str:
        change(self.desk)
        commit_all(self.desk)
        git(self.desk, "push", "--quiet", *options, "origin", "main")
        return git(self.desk, "rev-parse", "HEAD").strip()

    def edit(self, content: str = "name: two\n", name: str = "engines/acme.yaml") -> str:
        return self.push(lambda desk: self.write(desk, name, content))

    def follow(self) -> Moved | Trouble:
        tip = self.follower.fetch(None)["refs/heads/main"]
        return self.follower.move_to(tip)

    def moved(self) -> Moved:
        found = self.follow()
        assert isinstance(found, Moved), found
        assert self.head() == found.now
        assert git(self.clone, "status", "--porcelain", "--untracked-files=no") == ""
        return found

    def stopped(self, kind: str, words: str = "") -> None:
        """It says what is in the way, and everything in the clone is as it was."""
        before = self.state()
        found = self.follow()
        assert isinstance(found, Trouble), found
        assert (found.kind, found.needs_person) == (kind, True)
        assert words in found.message
        assert self.state() == before

    def head(self) -> str:
        return git(self.clone, "rev-parse", "HEAD").strip()

    def state(self) -> dict[str, bytes]:
        files = [path for path in self.clone.rglob("*") if path.is_file() and ".git" not in path.parts]
        found = {str(path): path.read_bytes() for path in files}
        return found | {"HEAD": self.head().encode(), "index": git(self.clone, "diff", "--cached").encode()}
