"""Which files an engine's ID is never written to, wherever the path comes from: engine file, lockfile or ledger.

Outputs are named by whoever can open a pull request, and are written by a run that may push. So they reach nothing
that runs: no file of git's, no CI configuration, no hook; and nothing that reconcile reads or writes itself.
"""

from __future__ import annotations

from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern

_YAML = (".yaml", ".yml")
_SETTINGS = ("reconcile.yaml", "reconcile.yml")

# Folders whose files are run, or decide what is: by CI systems, git hooks, editors and containers of a project.
_FOLDERS = frozenset(
    (
        *(".azuredevops", ".azure-pipelines", ".buildkite", ".circleci", ".cirrus", ".cloudbuild", ".drone"),
        *(".forgejo", ".gitea", ".github", ".gitlab", ".gitlab-ci", ".harness", ".semaphore", ".teamcity"),
        *(".tekton", ".travis", ".woodpecker", ".devcontainer", ".husky", ".hooks", ".idea", ".vscode"),
        "node_modules",
    )
)
# Files of which the same is true, in whatever folder.
_FILES = lazy_pattern(
    r".*(?:gitlab-ci|azure-pipelines|bitbucket-pipelines).*\.(?:ya?ml|json)"
    r"|\.?(?:pre-commit-(?:config|hooks)|lefthook|jenkinsfile"
    r"|appveyor|travis|drone|woodpecker|cirrus|circle|buildspec|cloudbuild|codefresh|codemagic|bitrise|wercker|mergify"
    r"|screwdriver|shippable|buddy|taskfile|devcontainer|dependabot|renovate)(?:\..*|-local)?\.(?:ya?ml|json5?)"
    r"|action\.ya?ml|(?:package|composer|deno)\.json|package-lock\.json|.*\.lock\.json|.*\.sources\.json"
)
_GIT = lazy_pattern(r"\.git.*|git~[0-9]+")  # the second is how Windows abbreviates the first


@dataclass(frozen=True, slots=True)
class OutputRules:
    """What is ours in this project: the folder of engine files and the lockfile, and those of its other environments.
    All are paths from its root.
    """

    engines: str = "engines"
    lockfile: str = "engines.lock.json"
    folders: tuple[str, ...] = ()
    lockfiles: tuple[str, ...] = ()

    def refusal(self, file: str) -> str | None:
        """Why this path (from the root, tidied) is not one to write to, as the end of a sentence."""
        parts = [_folded(part) for part in file.split("/")]
        if not all(parts) or not {".", ".."}.isdisjoint(parts) or "\\" in file or not file.isprintable():
            return "is not a path inside the project"
        if any(_GIT.fullmatch(part) for part in parts):
            return "belongs to git or its host"
        if not _FOLDERS.isdisjoint(parts):
            return "is in a folder whose files can run code"
        for lockfile in (self.lockfile, *self.lockfiles):
            whole = [_folded(part) for part in lockfile.split("/")]
            if parts[: len(whole)] == whole:
                other = " of another environment" if lockfile != self.lockfile else ""
                return f"is the lockfile{other}"
        if any(part in _SETTINGS for part in parts) or self._has_engine_file(parts):
            return "is read by reconcile itself"
        if any(_FILES.fullmatch(part) for part in parts):
            return "can control what CI, hooks or builds run"
        return None

    def _has_engine_file(self, parts: list[str]) -> bool:
        """Whether it is an engine file, or would be below one."""
        for folder in (self.engines, *self.folders):
            engines = [_folded(part) for part in folder.split("/") if part != "."]
            inside = parts[len(engines) :] if parts[: len(engines)] == engines else []
            if any(part.endswith(_YAML) for part in inside):
                return True
        return False


DEFAULT_RULES = OutputRules()


def _folded(part: str) -> str:
    """A name as the most careless file system sees it: without case, marks that are ignored, and trailing dots."""
    import unicodedata

    plain = "".join(c for c in unicodedata.normalize("NFC", part) if unicodedata.category(c) != "Cf")
    return part if part in (".", "..") else plain.casefold().rstrip(". ")
