"""Which engine files there are: a walk through the engines folder, without opening any of them.

Ten thousand files in some tens of milliseconds, so it is os.scandir and strings. Links are followed where they stay in
the project; a link to a folder is followed once and not again below it, so that no arrangement of links makes the walk
endless or the number of engines explode.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator

from reconciler.adapters.project.safe_read import SafeFiles
from reconciler.core.commands import reconcile
from reconciler.core.engine.overlay import NOTHING, Beside, EngineChoice, Named, chosen, matches
from reconciler.core.errors import Diagnostic, InvalidInput, Severity

SUFFIXES = (".yaml", ".yml")
_LOWER = "rename it: engine files end in .yaml or .yml, in lowercase"


def discover(
    root: str, engines_dir: str, files: SafeFiles, choice: EngineChoice
) -> tuple[dict[str, str], list[Diagnostic], Beside]:
    """Engine files by key, sorted, what is wrong with names and links, and what is there besides. See
    EngineFiles.discover.
    """
    walk = _Walk(root, engines_dir, files)
    found = walk.run()
    if not found and not walk.diagnostics:
        raise InvalidInput(f"no engine file (*.yaml, *.yml) in {engines_dir}/", hint=_init())
    engines, beside = _sorted_out({key: found[key] for key in sorted(found)}, choice, walk.diagnostics)
    wrong = any(one.severity is Severity.ERROR for one in walk.diagnostics)
    if beside.unchosen and not engines and not wrong:
        raise _none_chosen(choice, engines_dir)
    return engines, walk.diagnostics, beside


def _sorted_out(
    found: dict[str, str], choice: EngineChoice, problems: list[Diagnostic]
) -> tuple[dict[str, str], Beside]:
    """The engines of the environment, and the rest."""
    beside = NOTHING
    if choice.listed or any("." in key for key in found):
        said = Named(found, choice)
        for key, (message, hint) in said.wrong.items():
            problems.append(Diagnostic(message, found[key], hint=hint, key=key))
        overlays = {base: found[key] for key, (base, one) in said.bases.items() if one == choice.environment}
        bases = {key: base for key, (base, _) in said.bases.items()}
        beside = Beside(overlays, bases, said.lone, {}, {key: found[key] for key in bases}, choice.listed)
        none = {*bases, *said.wrong}
        found = {key: path for key, path in found.items() if key not in none} if none else found
    if not choice.include and not choice.exclude:
        return found, beside
    problems += _useless(found, choice)
    unchosen = {key: path for key, path in found.items() if not chosen(choice, key)}
    engines = {key: path for key, path in found.items() if key not in unchosen}
    return engines, beside._replace(unchosen=unchosen, choice=choice)


def _useless(found: dict[str, str], choice: EngineChoice) -> Iterator[Diagnostic]:
    """Patterns that match nothing: a slip of the pen would choose too many engines, or too few."""
    for name, patterns in (("include", choice.include), ("exclude", choice.exclude)):
        for pattern in patterns:
            if not matches(pattern, found):
                message = f"the pattern `{pattern}` of `{name}` matches no engine (environment `{choice.environment}`)"
                hint = "patterns match keys: the path in the engines folder, without suffix"
                yield Diagnostic(message, hint=hint, severity=Severity.WARNING)


def _none_chosen(choice: EngineChoice, engines_dir: str) -> InvalidInput:
    named = " and ".join(f"`{name}`" for name in ("include", "exclude") if getattr(choice, name))
    return InvalidInput(
        f"no engine in {engines_dir}/ is chosen for the environment `{choice.environment}`",
        hint=f"change {named} in the settings; an empty choice never means to retire everything",
    )


def _init() -> str:
    return (
        f"run `{reconcile('init')}` to create a first engine file; for another project, choose its folder with `-C` "
        f"(`{reconcile('projects')}` lists them)"
    )


_ALIKE = "remove one: the names look alike, but one spells its accents as separate characters (NFD)"


def _is_alike(path: str, other: str) -> bool:
    return unicodedata.normalize("NFC", path) == unicodedata.normalize("NFC", other)


class _Walk:
    def __init__(self, root: str, engines_dir: str, files: SafeFiles) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._root = root
        self._top = engines_dir.strip("/") or "."
        self._files = files

    def run(self) -> dict[str, str]:
        full = os.path.join(self._root, self._top)
        if not os.path.isdir(full):
            raise InvalidInput(f"the engines folder {self._top}/ does not exist", hint=_init())
        if not self._files.inside(os.path.join(self._top, ".")) and self._top != ".":
            raise InvalidInput(
                f"the folder {self._top}/ is outside the project", hint="keep it in the repository"
            )
        prefix = "" if self._top == "." else self._top + "/"
        found: dict[str, str] = {}
        for path in self._folder(full, prefix, linked=False):
            key = path[len(prefix) : path.rindex(".")]
            if not path.isascii():
                key = unicodedata.normalize("NFC", key)
            if key in found:
                self._find(
                    f"engine `{key}` has two files: this one and {found[key]}",
                    path,
                    _ALIKE if _is_alike(path, found[key]) else "remove one",
                    key,
                )
            else:
                found[key] = path
        return found

    def _folder(self, full: str, path: str, *, linked: bool) -> Iterator[str]:
        try:
            with os.scandir(full) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._find(
                f"the folder cannot be read: {error.strerror}", path.rstrip("/"), "check its permissions"
            )
            return
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if not name.isprintable():
                self._unprintable(path, entry)
            elif entry.is_symlink():
                yield from self._link(entry, path + name, linked=linked)
            elif entry.is_dir(follow_symlinks=False):
                yield from self._folder(entry.path, f"{path}{name}/", linked=linked)
            elif name.endswith(SUFFIXES):
                yield path + name
            elif name.rstrip().lower().endswith(SUFFIXES):
                self._find("unusual suffix for an engine file", path + name, _LOWER)

    def _link(self, entry: os.DirEntry[str], path: str, *, linked: bool) -> Iterator[str]:
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if not is_folder and not entry.name.rstrip().lower().endswith(SUFFIXES):
            return
        if not is_folder and not entry.name.endswith(SUFFIXES):
            self._find("unusual suffix for an engine file", path, _LOWER)
            return
        if not self._files.inside(path):
            self._find("this link leads out of the project", path, "copy the files here instead")
        elif not is_folder:
            yield path
        elif linked or self._leads_upward(entry.path):
            self._find(
                "links to folders are not followed here",
                path,
                "replace it: links may not be nested or lead upward",
            )
        else:
            yield from self._folder(entry.path, path + "/", linked=True)

    @staticmethod
    def _leads_upward(full: str) -> bool:
        target = os.path.realpath(full)
        return (os.path.realpath(os.path.dirname(full)) + os.sep).startswith(target + os.sep)

    def _unprintable(self, path: str, entry: os.DirEntry[str]) -> None:
        """A folder counts as well: overlooked, its engines would look as if their files were gone."""
        shown = path + "".join(c if c.isprintable() else "�" for c in entry.name)
        if entry.name.endswith(SUFFIXES):
            self._find("the file name is not printable UTF-8", shown, "rename the file")
        elif entry.is_dir(follow_symlinks=False):
            self._find("the folder name is not printable UTF-8", shown, "rename the folder")

    def _find(self, message: str, path: str, hint: str, key: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(message, path, hint=hint, key=key))
