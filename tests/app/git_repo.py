"""Real git repos for tests, untouched by the settings of whoever runs them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SYSTEM_CONFIG = str(Path(__file__).resolve().parents[1] / "gitconfig")  # of git in all tests
WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgSign=false")


def git(folder: Path, *arguments: str) -> str:
    """Run git and give what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": SYSTEM_CONFIG}
    command = ["git", "-C", str(folder), *WHO, *arguments]
    try:
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise


def new_repo(folder: Path, *arguments: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main", *arguments)
    return folder


def commit_all(folder: Path, message: str = "change") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
