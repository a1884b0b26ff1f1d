"""Workflows and pipelines for a project, made from those that this repository has, and told from files of others.

A template is an ordinary workflow that works as it stands: for a project at the root of its repository, with the names
that are usual. What a project has otherwise is put in its place line by line, so that comments stay. The first line of
a file names who made it, with a digest of the rest: only a file that nobody edited is ever written again. Pins do not
count in it, since bots raise them, and neither do the three lines of a pipeline that are there to be filled in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from enum import StrEnum

from reconciler.core.commands import KEY_VARIABLE
from reconciler.core.frozen import dataclass
from reconciler.core.path_filters import plain
from reconciler.core.patterns import lazy_pattern

OWNER = "OWNER"  # in an address: it is not known who publishes the action
NO_COMMIT = "0" * 40

_USUAL = "production"
_MARK = "# Made by `reconcile init --ci {system}` (sha256:{digest}). Once you edit it, init skips it."
_MARKED = lazy_pattern(r"# Made by `reconcile init --ci \w+` \(sha256:([0-9a-f]{64})\)[^\n]*\n")
_PINNED = lazy_pattern(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40})(?: # (v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}))?")
_CHOOSES = lazy_pattern(r"^ {10}environment: ", re.MULTILINE)
_OWN_STEP = lazy_pattern(r"^( *)- uses: \./(?: #.*)?\n\1  with:\n", re.MULTILINE)
_FILLED_IN = lazy_pattern(r"^(  ENGINES_(?:IMAGE|SOURCE|COMMIT): )([^\n]*)$", re.MULTILINE)
_NO_WORDS = ("no", "yes", "on", "off", "true", "false", "null")
_BRACES = lazy_pattern(r"[{}]")  # GitLab reads them in a pattern, GitHub does not
_MOST_CHANGES = 50  # entries that GitLab takes in one list


class State(StrEnum):
    """What stands in a file's place."""

    ABSENT = "absent"
    OURS = "ours"  # as it was written
    EDITED = "edited"  # written by us, and changed since
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a project has. Paths count from the repository's root; `folder` is empty for a project that is there.

    `source` is where reconcile comes from: `acme/reconcile` on GitHub, an address for GitLab. `files` are patterns as
    GitHub has them, which let every engine file and source through.
    """

    source: str
    commit: str
    folder: str = ""
    files: Sequence[str] = ("engines/**",)
    lockfile: str = "engines.lock.json"
    settings_file: str = "reconcile.yaml"
    environment: str = _USUAL
    branch: str = "main"
    pull_request: bool = False  # how the lockfile gets to the branch
    key_variable: str = KEY_VARIABLE  # and the name of the secret
    suffix: str = ""  # of names, for an environment besides the project's own: `-staging`


def github_workflow(template: str, facts: Facts) -> str:
    """A workflow of the project, without its mark."""

    def step(found: re.Match[str]) -> str:
        indent = found[1]
        inside = f"{indent}    working-directory: {_text(facts.folder)}\n" if facts.folder else ""
        if facts.suffix and not _CHOOSES.search(template):
            inside += f"{indent}    environment: {_word(facts.environment)}\n"
        return f"{indent}- uses: {facts.source}@{facts.commit}\n{indent}  with:\n{inside}"

    text = _OWN_STEP.sub(step, template)
    text = _with_key(text, facts)
    text = text.replace("paths: # add sources outside the engines folder;", "paths: # as init found them;")
    text = _line(text, r'- "engines/\*\*"', [f"- {_text(one)}" for one in facts.files])
    text = _line(text, r'- "engines\.lock\.json"', [f"- {_text(plain(facts.lockfile))}"])
    text = _line(text, r'- "reconcile\.yaml"', [f"- {_text(plain(facts.settings_file))}"])
    text = _line(text, r"branches: \[main\]", [f"branches: [{_word(facts.branch)}]"])
    if facts.pull_request:
        text = _line(text, r'publish: "true".*', ["publish: pr"])
    if facts.suffix:
        text = re.sub(r"^(name: .*)$", rf"\1 ({facts.environment})", text, count=1, flags=re.MULTILINE)
        text = re.sub(r"(\.github/workflows/engines-[\w-]+)(?=\.yml)", rf"\g<1>{facts.suffix}", text)
        text = re.sub(
            rf"^( *group: engines-(?!{_USUAL}\b)\w+)", rf"\1{facts.suffix}", text, flags=re.MULTILINE
        )
    return _in_environment(text, facts)


def gitlab_pipeline(template: str, facts: Facts) -> str:
    """The pipeline of the project, without its mark."""
    known = OWNER not in facts.source and facts.commit != NO_COMMIT
    values = {"SOURCE": facts.source, "COMMIT": facts.commit} if known else {}
    text = template.replace(KEY_VARIABLE, facts.key_variable)
    for name, value in values.items():
        text = _line(text, rf'ENGINES_{name}: ""', [f"ENGINES_{name}: {_text(value)}"])
    changes = [
        f"{one}/*" if one.endswith("/**") else one for one in (*facts.files, plain(facts.settings_file))
    ]
    planned = [*changes, plain(facts.lockfile)]
    if len(planned) > _MOST_CHANGES:
        changes = planned = ["**/*"]
    usual = r'changes: \["engines/\*\*/\*", reconcile\.yaml'
    text = _line(text, usual + r", engines\.lock\.json\].*", [_list(planned)])
    text = _line(text, usual + r"\].*", [_list(changes)])
    if facts.folder:
        folder = (
            f"  ENGINES_FOLDER: {_text(facts.folder.replace('$', '$$'))} # the project's, from the root\n"
        )
        text = text.replace("\n.engines:", f"{folder}\n.engines:", 1)
        text = re.sub(r"\breconcile (plan\b|\$ENGINES_COMMAND)", r'reconcile -C "$ENGINES_FOLDER" \1', text)
    if facts.suffix:
        text = re.sub(
            r"(?<!/)(\.engines|engines-(?:plan|apply|collect))(?=[:\s-])", rf"\g<1>{facts.suffix}", text
        )
        chosen = f"RECONCILE_ENVIRONMENT: {_word(facts.environment)}"
        text = _line(text, "GIT_STRATEGY: clone", ["GIT_STRATEGY: clone", chosen])
    return _in_environment(text, facts)


def _with_key(text: str, facts: Facts) -> str:
    """The secret and the variable of this environment; the action has to be told which variable that is."""
    if facts.key_variable == KEY_VARIABLE:
        return text
    named = text.replace(KEY_VARIABLE, facts.key_variable)
    return re.sub(
        r"^( *)(api-key: .*)$", rf"\1\2\n\1api-key-env: {facts.key_variable}", named, flags=re.MULTILINE
    )


def _in_environment(text: str, facts: Facts) -> str:
    if facts.environment == _USUAL:
        return text
    name = _word(facts.environment)

    def put(found: re.Match[str]) -> str:
        return found[1] + name if found[1] else facts.environment

    return re.sub(rf"^( *(?:environment|name): ){_USUAL}\b|\b{_USUAL}\b", put, text, flags=re.MULTILINE)


def _line(text: str, pattern: str, lines: Sequence[str]) -> str:
    """The text with these lines for each that is just `pattern`; the comment behind it stays with the last one."""

    def put(found: re.Match[str]) -> str:
        return "\n".join(found[1] + one for one in lines) + found[2]

    return re.sub(rf"^( *){pattern}((?: +#.*)?)$", put, text, flags=re.MULTILINE)


def _text(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _word(value: str) -> str:
    """Without quotes where YAML reads it as a word, whichever YAML it is."""
    ordinary = re.fullmatch(r"[a-z][a-z/-]*[a-z]", value)
    return value if ordinary and value not in _NO_WORDS else _text(value)


def _list(patterns: Sequence[str]) -> str:
    return "changes: " + _text([_BRACES.sub("*", one) for one in patterns])


# ── whose file it is ────────────────────────────────────────────────────────────────────────────────────────────────


def marked(text: str, system: str) -> str:
    """The whole file."""
    return _MARK.format(system=system, digest=_digest(text)) + "\n" + text


def _digest(text: str) -> str:
    counted = _PINNED.sub("uses:", _FILLED_IN.sub(r"\1", text))
    return hashlib.sha256(counted.encode("utf-8", "surrogateescape")).hexdigest()


def state_of(content: bytes | None) -> State:
    """Whose a file is, by its content; None for one that does not exist."""
    if content is None:
        return State.ABSENT
    text = _plain_text(content)
    found = _MARKED.match(text)
    if found is None:
        return State.FOREIGN
    return State.OURS if _digest(text[found.end() :]) == found[1] else State.EDITED


def renewed(text: str, before: bytes) -> str:
    """A new text that keeps what is pinned newer and what was filled in since."""
    old = _plain_text(before)
    pins = {found[1]: found for found in _PINNED.finditer(old)}
    filled = {found[1]: found[2] for found in _FILLED_IN.finditer(old)}

    def pin(found: re.Match[str]) -> str:
        was = pins.get(found[1])
        if was is None:
            own = next((one for name, one in pins.items() if name.endswith("/reconcile")), None)
            return own[0] if own is not None and found[1].startswith(f"{OWNER}/") else found[0]
        return was[0] if found[2] == NO_COMMIT or _release(was[3]) > _release(found[3]) else found[0]

    def fill(found: re.Match[str]) -> str:
        return found[1] + (filled.get(found[1], found[2]) if found[2].startswith('""') else found[2])

    return _FILLED_IN.sub(fill, _PINNED.sub(pin, text))


def _release(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (version or "").removeprefix("v").split(".") if part)


def _plain_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")
