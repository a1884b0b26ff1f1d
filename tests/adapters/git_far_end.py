"""A bare origin with one commit on main, clones of it, and what a user's repo looks like from outside."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reconciler.adapters.git.drafts import Identity
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.remote import GitRemote
from reconciler.core.ledger.seal import seal_for
from tests.app.git_repo import commit_all, git, new_repo

LEDGER = "refs/reconcile/production"
SEAL = seal_for("lk_test", "/origin", LEDGER)  # of all who share, in most tests
WHO = Identity("CI Bot", "ci@example.com")
LOCKFILE = "engines.lock.json"


def new_origin(folder: Path, *arguments: str) -> Path:
    """The origin, and beside it the clone `seed` of somebody else."""
    origin = new_repo(folder / "origin.git", "--bare", "--template=", *arguments)
    seed = new_repo(folder / "seed", "--template=", *arguments)
    (seed / "engines").mkdir()
    (seed / "engines/acme.yaml").write_text("name: Acme\n")
    commit_all(seed, "first")
    git(seed, "remote", "add", "origin", "../origin.git")
    git(seed, "push", "--quiet", "origin", "main")
    return origin


def copied_origin(template: Path, folder: Path) -> Path:
    """A copy of the origin and the seed that are in `template`: that takes no process."""
    for name in ("origin.git", "seed"):
        shutil.copytree(template / name, folder / name)
    return folder / "origin.git"


def clone(origin: Path, name: str = "clone", *arguments: str) -> Path:
    folder = origin.parent / name
    git(origin.parent, "clone", "--quiet", "--template=", *arguments, f"file://{origin}", str(folder))
    return folder


def remote_of(folder: Path, timeout: float = 30.0) -> GitRemote:
    return GitRemote(folder, "origin", WHO, timeout)


def ledger_of(folder: Path, **more: object) -> GitLedger:
    settings: dict[str, object] = {"ref": LEDGER, "branch": "main", "path": LOCKFILE, "seal": SEAL}
    return GitLedger(remote_of(folder), **(settings | more))  # type: ignore[arg-type]


def tip(repo: Path, ref: str) -> str:
    return git(repo, "rev-parse", ref)


def move_branch(origin: Path, message: str = "somebody else", name: str = "README.md") -> str:
    """Somebody else's commit on main."""
    seed = origin.parent / "seed"
    git(seed, "fetch", "--quiet", "origin")
    git(seed, "reset", "--quiet", "--hard", "origin/main")
    (seed / name).write_text(f"{message}\n")
    made = commit_all(seed, message)
    git(seed, "push", "--quiet", "origin", "main")
    return made


def hook(origin: Path, name: str, script: str) -> Path:
    file = origin / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


PROTECTED = '[ "$1" != refs/heads/main ] || { echo "main is protected: open a pull request" >&2; exit 1; }'


def looks(folder: Path) -> dict[str, object]:
    """All that a user can see of a repo: status, index, HEAD, branches, remote branches, stash, work tree."""
    index = Path(git(folder, "rev-parse", "--absolute-git-dir")) / "index"
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    return {
        "status": git(folder, "-c", "core.fsmonitor=false", "status", "--porcelain=v2", "--branch"),
        "index": index.read_bytes(),
        "HEAD": git(folder, "rev-parse", "HEAD"),
        "branches": git(folder, "for-each-ref", "refs/heads", "refs/tags", "refs/stash"),
        "files": files,
    }


def odd_refs(folder: Path) -> list[str]:
    """Refs that neither git nor its user made."""
    names = git(folder, "for-each-ref", "--format=%(refname)").splitlines()
    return [name for name in names if not name.startswith(("refs/heads/", "refs/remotes/", "refs/tags/"))]


@contextmanager
def http_answering(status: int, *headers: tuple[str, str]) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A server that answers everything so; its port, and the headers of the requests that it got."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()} | {":path": self.path})
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
