"""Files that are not what they stand for yet: placeholders of large-file tools, encrypted texts, unfinished merges.

A checkout without Git LFS has small pointers in the place of texts, and nothing says so. Taken for the text, they would
be sent to the platform.
"""

from __future__ import annotations

import re

from reconciler.core.commands import git
from reconciler.core.patterns import lazy_pattern

# (how the file begins, what it is, what helps: a command of git, or another)
_STAND_INS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, not the file itself",
        ("lfs", "pull"),
    ),
    (b"/annex/objects/", "a git-annex pointer, not the file itself", ("annex", "get")),
    (b"\0GITCRYPT\0", "encrypted by git-crypt", "git-crypt unlock"),
    (b"$ANSIBLE_VAULT;", "encrypted by Ansible Vault", "ansible-vault decrypt"),
    (b"age-encryption.org/", "encrypted by age", "age --decrypt"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "encrypted by age", "age --decrypt"),
    (b"-----BEGIN PGP MESSAGE-----", "encrypted by PGP", "gpg --decrypt"),
)
_BEGINNINGS = tuple(beginning for beginning, _, _ in _STAND_INS)
_BEGIN = lazy_pattern(rb"^<{7}(?: [^\r\n]*)?\r?$", re.MULTILINE)
_MIDDLE = lazy_pattern(rb"^={7}\r?$", re.MULTILINE)
_END = b"\n>>>>>>> "


def stand_in(data: bytes) -> tuple[str, str] | None:
    """What the file is instead of a text, and what helps."""
    if not data.startswith(_BEGINNINGS):
        return None
    for beginning, what, hint in _STAND_INS:
        if data.startswith(beginning):
            return what, hint if isinstance(hint, str) else git(*hint)
    return None


def conflict_line(data: bytes) -> int | None:
    """The line on which git's first conflict marker stands. A lone `=======` is a heading's underline."""
    # One byte is found ten times as fast as several.
    if not (b"<" in data and b"<<<<<<<" in data) and not (b">" in data and b">>>>>>>" in data):
        return None
    found = _BEGIN.search(data) or _MIDDLE.search(data, 0, max(data.rfind(_END), 0))
    return None if found is None else data.count(b"\n", 0, found.start()) + 1


def conflict_hint() -> str:
    """What helps against them."""
    return f"resolve the conflict; `{git('status')}` lists the affected files"
