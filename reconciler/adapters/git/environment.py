"""What git gets to see of our environment, and the options that every command of it gets.

Whatever names credentials, helpers, proxies, certificates and configuration reaches git as if the person had started
it. What leads it to another repository, or changes what it prints, does not, and neither do our own secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from reconciler.core.patterns import lazy_pattern

# For commands that stay on this machine: they start no helper, so they need to know where things are and no more.
_LOCAL = frozenset(
    (
        *(
            "PATH",
            "HOME",
            "USERPROFILE",
            "SYSTEMROOT",
            "TMPDIR",
            "TEMP",
            "LANG",
            "XDG_CONFIG_HOME",
            "SUDO_UID",
        ),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_EXEC_PATH"),
    )
)
_CONFIG = lazy_pattern(r"GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|PARAMETERS|KEY_[0-9]+|VALUE_[0-9]+)")
# They lead git to another repository, index or object store (as in a hook), or change what it reads or prints.
_MISLEADING = lazy_pattern(
    r"GIT_(?:DIR|WORK_TREE|IMPLICIT_WORK_TREE|COMMON_DIR|INDEX_FILE|INDEX_VERSION|OBJECT_DIRECTORY|NAMESPACE|PREFIX"
    r"|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|GRAFT_FILE"
    r"|SHALLOW_FILE|REPLACE_REF_BASE|ATTR_SOURCE|ATTR_NOSYSTEM|CONFIG|DEFAULT_HASH|INTERNAL_.*|NOTES_.*|.*_PATHSPECS"
    r"|EXTERNAL_DIFF|DIFF_OPTS|PAGER|PAGER_IN_USE|COLOR.*|TRACE.*|CURL_VERBOSE|REDACT_.*|TRACE_REDACT"
    r"|(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)|REFLOG_ACTION|ADVICE|PUSH_OPTION.*)"
)
_OURS = lazy_pattern(r"LINGO.*|RECONCILE_.*|INPUT_.*")
_WINDOW = "SSH_ASKPASS"  # desktops set it for a window that asks, which in a run nobody may see
_KEYS = ("LINGO_API_KEY", "LINGODOTDEV_API_KEY")  # and all whose names begin so: one for each environment
_SHORTEST_KEY = 8  # a shorter one may be a part of anything
# Tokens of GitHub and GitLab, which `gh` and scripts of GIT_ASKPASS read.
_TOKENS = frozenset(
    (
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITLAB_TOKEN",
        "CI_JOB_TOKEN",
    )
)
# What a person or a repository may have set, and what must hold for us whatever they have: nothing that a repository
# configures is started, and what git prints is what we parse.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "safe.bareRepository=explicit",
    "log.showSignature=false",
    "color.ui=never",
    "color.diff=never",
    "diff.orderFile=/dev/null",
    "i18n.logOutputEncoding=UTF-8",
)
OPTIONS = ("--no-pager", *(word for setting in _SETTINGS for word in ("-c", setting)))


def hidden(environ: Mapping[str, str], *, network: bool, tokens: bool) -> Iterator[str]:
    """The names that a git command must not see; with `tokens` a helper is set up that may need those."""
    keys = [
        key
        for name, value in environ.items()
        if name.startswith(_KEYS) and len(key := value.strip()) >= _SHORTEST_KEY
    ]
    for name, value in environ.items():
        shown = _for_network(name, tokens=tokens) if network else name in _LOCAL or _configures(name)
        if not shown or any(key in value for key in keys):
            yield name


def _for_network(name: str, *, tokens: bool) -> bool:
    if name in _TOKENS:
        return tokens
    if name == _WINDOW or _OURS.fullmatch(name):
        return False
    return _configures(name) or not _MISLEADING.fullmatch(name)


def _configures(name: str) -> bool:
    return name.startswith("GIT_CONFIG_") and _CONFIG.fullmatch(name) is not None


def asks_a_program(environ: Mapping[str, str]) -> bool:
    """Whether a variable names a program that knows passwords."""
    return bool(environ.get("GIT_ASKPASS"))


def names_ssh(environ: Mapping[str, str]) -> bool:
    """Whether a variable says how to call ssh."""
    return any(environ.get(name) for name in ("GIT_SSH_COMMAND", "GIT_SSH"))


def added(*, network: bool) -> dict[str, str]:
    """What git is told besides: no prompt on a terminal, no lazy fetch without the network, and to speak English."""
    told = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    if not network:
        return told | {"GIT_NO_LAZY_FETCH": "1"}
    return told | {"GCM_INTERACTIVE": os.environ.get("GCM_INTERACTIVE", "never")}


def local() -> dict[str, str]:
    """All that a command gets to see that stays on this machine."""
    unseen = set(hidden(os.environ, network=False, tokens=False))
    seen = {name: value for name, value in os.environ.items() if name not in unseen}
    return seen | added(network=False)
