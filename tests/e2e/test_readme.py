"""README's way to a project of your own, pasted into an empty folder: the very lines, with the installed command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    section = README.read_text(encoding="utf-8").split("\n## Start your own\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def test_start_your_own_works_as_pasted(tmp_path: Path, platform: SandboxServer) -> None:
    installing, *pasted, reading = blocks()
    assert "pip install" in installing
    assert reading.startswith("jq ")
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / ".gitconfig").write_text("[user]\nname = Test\nemail = test@localhost\n", encoding="utf-8")
    variables = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LINGO_API_URL": platform.url,
        "LINGO_API_KEY": KEY,
    }
    done = subprocess.run(
        ["bash", "-e"], input="".join(pasted), cwd=folder, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lockfile = json.loads((folder / "engines.lock.json").read_text(encoding="utf-8"))
    assert lockfile["engines"]["marketing/website"]["engineId"].startswith("eng_")
    left = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.check_output(left, cwd=folder, env=variables, text=True) == ""
