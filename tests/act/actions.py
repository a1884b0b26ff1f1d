"""The real workflow files, run by act on this machine, with no container and no network.

The repository is a project of its own that holds the workflows and the action as they are here, a bare origin, a
sandbox platform and a local GitHub. `actions/checkout` is act's own; `actions/setup-python` is replaced by nothing,
since the Python is the one of the tests, and `actions/upload-artifact` by one that says what it would upload.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.far_ends import KEY, Project

HERE = Path(__file__).resolve().parents[2]
LIMIT = 180  # seconds for one workflow
REPOSITORY = "acme/engines"
ACTION = f"acme/reconcile@{'0' * 39}1"  # as workflows that `reconcile init` wrote name this one
_NOTHING = """name: nothing
description: Stands where setup-python is; the machine's own Python is used.
inputs:
  python-version: {required: false}
  cache: {required: false}
  cache-dependency-path: {required: false}
runs: {using: composite, steps: [{run: "true", shell: bash}]}
"""
_UPLOAD = """name: upload
description: Stands where upload-artifact is.
inputs:
  name: {required: true}
  path: {required: true}
  overwrite: {required: false}
runs:
  using: composite
  steps:
    - run: 'echo "uploads $NAME: $(head -n 1 "$FILE")"'
      shell: bash
      env:
        NAME: ${{ inputs.name }}
        FILE: ${{ inputs.path }}
"""
_OUTPUT = re.compile(r"::set-output:: ([\w-]+)=(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Workflow:
    """What a run came to. `log` is all that act printed, with its own prefixes taken off."""

    code: int
    log: str

    @property
    def outputs(self) -> dict[str, str]:
        return dict(_OUTPUT.findall(self.log))

    def ended(self, code: int, *said: str) -> Workflow:
        assert self.code == code, f"{self.code} instead of {code}\n{self.log}"
        for words in said:
            assert words in self.log, f"{words!r} is not in\n{self.log}"
        return self


class Repository:
    """A clone with the workflows, whose origin is bare; `api` is the local GitHub's address."""

    def __init__(self, root: Path, platform: str, api: str) -> None:
        self.root = root
        self.platform = platform
        self.api = api
        self.origin = root / "origin.git"
        self.work = Project(root / "work", platform)
        self.work.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self.work.git("init", "--quiet", "--initial-branch=main")
        self.work.git("remote", "add", "origin", str(self.origin))
        shutil.copytree(HERE / ".github", self.work.root / ".github", dirs_exist_ok=True, symlinks=True)
        shutil.copy(HERE / "action.yml", self.work.root)
        (self.work.root / ".github/workflows/ci.yml").unlink()
        shutil.copytree(HERE / ".github/actions", root / "action/.github/actions", symlinks=True)
        shutil.copy(HERE / "action.yml", root / "action")
        for name, action in (("nothing", _NOTHING), ("upload", _UPLOAD)):
            (root / name).mkdir()
            (root / name / "action.yml").write_text(action)

    def push(self, message: str, branch: str = "main") -> str:
        """Commits everything and pushes it; the commit's id."""
        self.work.commit(message)
        self.work.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        self.work.git("fetch", "--quiet", "origin")
        return self.work.git("rev-parse", "HEAD").strip()

    def push_only(self) -> None:
        self.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")

    def check_out_merge_of(self, branch: str) -> None:
        """What `actions/checkout` gives a run for a pull request: the merge of its branch into main."""
        self.work.git("checkout", "--quiet", "--detach", "origin/main")
        self.work.git("merge", "--quiet", "--no-ff", "-m", "Merge", branch)

    def pull(self) -> None:
        self.work.git("fetch", "--quiet", "origin", "main")
        self.work.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")

    def lock(self) -> Any:
        """The lockfile on the origin's main branch."""
        return json.loads(self.git_of_origin("show", "main:engines.lock.json"))

    def git_of_origin(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.origin), *arguments], capture_output=True, check=True, text=True
        )
        return done.stdout

    def act(
        self,
        event: str,
        workflow: str,
        payload: Mapping[str, Any],
        *,
        secrets: Mapping[str, str] | None = None,
        token: str,
    ) -> Workflow:
        """Run a workflow for an event, in the work tree as it is now."""
        file = self.root / "event.json"
        file.write_text(
            json.dumps({"repository": {"full_name": REPOSITORY, "default_branch": "main"}, **payload})
        )
        command = [
            *(str(Path(sys.executable).parent / "act"), event),
            *("-W", f".github/workflows/{workflow}", "-P", "ubuntu-latest=-self-hosted"),
            *("--eventpath", str(file), "--pull=false", "--no-cache-server", "--action-offline-mode"),
            *("--local-repository", f"{_pinned('setup-python')}={self.root / 'nothing'}"),
            *("--local-repository", f"{_pinned('upload-artifact')}={self.root / 'upload'}"),
            *("--local-repository", f"{ACTION}={self.root / 'action'}"),
            *(
                "--env-file",
                str(self._variables()),
                "--secret-file",
                str(self._secrets(secrets or {}, token)),
            ),
            *("--var", f"LINGO_API_URL={self.platform}"),
            *("--defaultbranch", "main", "--actor", "somebody"),
        ]
        home = {
            "HOME": str(self.root),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        done = subprocess.run(
            command,
            cwd=self.work.root,
            env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
            text=True,
        )
        log = re.sub(r"^\[[^]]*\] *(\| ?)?", "", done.stdout, flags=re.MULTILINE)
        assert KEY not in log
        assert token not in log
        return Workflow(done.returncode, log)

    def _variables(self) -> Path:
        file = self.root / "variables"
        values = {
            "GITHUB_API_URL": self.api,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": REPOSITORY,
            "LINGO_API_URL": self.platform,
            "RECONCILE_VENV": str(Path(sys.executable).parent.parent),
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return file

    def _secrets(self, secrets: Mapping[str, str], token: str) -> Path:
        """In a file, since arguments are seen by everybody."""
        file = self.root / "secrets"
        file.write_text(
            "".join(f"{name}={value}\n" for name, value in {"GITHUB_TOKEN": token, **secrets}.items())
        )
        file.chmod(0o600)
        return file


def _pinned(name: str) -> str:
    """`actions/NAME@<commit>`, as the action names it."""
    text = (HERE / "action.yml").read_text()
    found = re.search(rf"uses: (actions/{name}@[0-9a-f]{{40}})", text)
    assert found is not None
    return found[1]
