"""A project in the middle of its life, of which many copies can be killed: bare origin, clone, platform with a past.

The project has environments: what is created and what is replaced have overlays. One apply creates (with a job and
without), replaces, recreates one that is gone from the platform, updates in place, restores, moves, retires and
resumes. So it makes exactly four engines, and whatever a crash does to it, the runs that follow must come to the same.
Meanwhile somebody else has a commit for the branch, with an engine of their own in the lockfile; where it lands, it
must stay.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reconciler.core.engine.overlay import EngineChoice
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests import plain_http
from tests.e2e.far_ends import ENGINE, KEY, LINK, Project

JOB_SECONDS = 0.15
ENVIRONMENTS = "environments:\n  production: {}\n  staging: {lockfile: staging.lock.json}\n"
CHOICE = EngineChoice("production", ("production", "staging"))
MADE = {
    "created": "created",
    "at-once": "at-once",
    "replaced": "edited",
    "recreated": "recreated",
}  # keys, and the names of their engines
KEPT = {"restored", "resumed", "moved-here", "updated"}
UPDATED = "name: renamed\ndescription: Better than before\nlocales: [de, ja]\n"
OTHER_LINK = LINK.replace("brand", "other-brand")  # a change that no update can make
SOMEBODY = "refs/somebody/merged"

REJECT_ONCE = """#!/bin/sh
# Refuses the first push that touches the branch.
while read old new ref; do
  if [ "$ref" = refs/heads/main ] && [ ! -e refused ]; then touch refused; echo "not now" >&2; exit 1; fi
done
exit 0
"""
MOVE_BRANCH = f"""#!/bin/sh
# After the first push of the ledger somebody else's commit lands on the branch.
[ -e moved ] && exit 0
touch moved
git update-ref refs/heads/main {SOMEBODY}
"""
VANISH = """#!/bin/sh
# After the first push nobody reaches the repository any more.
[ -e vanished ] && exit 0
touch vanished
here=$(pwd)
mv "$here" "$here.away"
"""


def git(*arguments: str, cwd: Path) -> str:
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *arguments], cwd=cwd, capture_output=True, check=True)
    return done.stdout.decode()


@contextmanager
def platform_of(root: Path, job_seconds: float) -> Iterator[SandboxServer]:
    """The platform whose past is in `root`."""
    settings = SandboxSettings(job_seconds=job_seconds, api_keys=(KEY,), state_file=root / "platform.sqlite")
    with SandboxServer(settings) as platform:
        yield platform


class Template:
    """The world before the apply, made once, to be copied; `engines_before` are the platform's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engines_before: set[str] = set()
        self._make()

    def copy(self, root: Path) -> Path:
        """A copy of it all, and where its clone is."""
        root.mkdir(parents=True)
        for name in ("origin.git", "work"):
            shutil.copytree(self.root / name, root / name)
        shutil.copy(self.root / "platform.sqlite", root / "platform.sqlite")
        git("remote", "set-url", "origin", str(root / "origin.git"), cwd=root / "work")
        return root / "work"

    def _make(self) -> None:
        origin, work, other = (self.root / name for name in ("origin.git", "work", "other"))
        empty = ("--quiet", "--initial-branch=main", "--template=")
        git("init", *empty, "--bare", str(origin), cwd=self.root)
        git("init", *empty, str(work), cwd=self.root)
        git("remote", "add", "origin", str(origin), cwd=work)
        with platform_of(self.root, 0.0) as platform:
            project = Project(work, platform.url)
            (work / "reconcile.yaml").write_text(ENVIRONMENTS)
            for key in ("replaced", "restored", "moved", "gone", "recreated", "updated"):
                project.engine(key, running=True)
            self._applied(project)
            project.engine("restored", ENGINE.format(name="another"))
            self._applied(project)
        with platform_of(self.root, 1.0) as platform:
            project.url = platform.url
            project.engine("resumed", ENGINE.format(name="resumed") + LINK)
            self._applied(project, "--detach")
        self._edit(project)
        git("clone", "--quiet", "--no-hardlinks", "--template=", str(origin), str(other), cwd=self.root)
        with platform_of(self.root, 0.0) as platform:
            self._engine_of_somebody(Project(other, platform.url))
            lost = project.lock["engines"]["recreated"]["engineId"]
            plain_http.delete(f"{platform.url}/engines/{lost}", headers={"X-API-Key": KEY}).raise_for_status()
            self.engines_before = {str(engine["id"]) for engine in platform.engines()}

    def _edit(self, project: Project) -> None:
        """What the apply is to carry out."""
        project.engine("restored", running=True)
        project.engine("replaced.production", f"name: {MADE['replaced']}\n{OTHER_LINK}")
        project.engine("replaced.staging", "name: Of no account in this environment\n")
        project.engine("updated", UPDATED, running=True)
        project.engine("created", "name: not yet created\nlocales: [de, fr]\n")
        project.engine("created.production", f"name: {MADE['created']}\n{LINK}")
        project.engine("at-once")
        (project.root / "engines/moved.yaml").rename(project.root / "engines/moved-here.yaml")
        (project.root / "engines/gone.yaml").unlink()
        project.commit()
        project.git("push", "--quiet", "origin", "main")

    def _engine_of_somebody(self, project: Project) -> None:
        project.engine("somebodys")
        project.run("apply", "--yes", "--no-publish", "--only", "somebodys").ended(0)
        project.commit("Somebody's engine")
        project.git("push", "--quiet", "origin", f"HEAD:{SOMEBODY}")

    def _applied(self, project: Project, *arguments: str) -> None:
        project.run("apply", "--yes", "--no-publish", *arguments).ended(0)
        project.commit()
        project.git("push", "--quiet", "origin", "main")


class Runs:
    """GitHub, as far as it is asked whether a run has ended. `url` is its API."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.asked = 0
        runs = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                runs.asked += 1
                over = self.path.rpartition("/")[2] in runs.ended
                body = json.dumps({"status": "completed" if over else "in_progress"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: what is said here would be taken for the tests' words."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
