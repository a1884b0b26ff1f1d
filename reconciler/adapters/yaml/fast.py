"""The fast reader: yaml-rs for plain documents, and for nothing else.

It is thirty to a hundred times faster than the reference (`yaml_reference`), which is what makes ten thousand engine
files readable in a second. It may decline any document, for any reason; what it does return is exactly what the
reference would. So every construct on which the two differ, or may differ, is declined: by a scan before parsing, or
by a look at the result. The differential tests hold it to that.

Anchors, aliases and tags are caught without knowing where a scalar begins: `&`, `*` and `!` are replaced by private
characters before parsing. Where one of them was an indicator, the parser now sees a plain scalar that begins with it,
and a string that begins so is declined.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

from reconciler.core.patterns import lazy_pattern

DECLINED: Final = object()

MAX_DEPTH = 20
MAX_NODES = 5_000  # values and keys; the reference takes a tenth of a millisecond for each

_STAND_IN = {ord("&"): "\ue000", ord("*"): "\ue001", ord("!"): "\ue002"}
_RESTORED = {ord(private): chr(plain) for plain, private in _STAND_IN.items()}

# How no string of a plain document begins: an indicator, a block header inside brackets, a text block whose first line
# is empty or only blanks.
_BEGINNINGS = frozenset("\ue000\ue001\ue002?:|>\n ")

_UNUSUAL = lazy_pattern("[\x85\u2028\u2029\ue000-\ue002\ufeff]")
_TOO_COMPACT = lazy_pattern(r"- +[-?] +[-?:] |\? +[-?] +[-?:] ")  # several levels on one line
_BLANKS_BEGIN_BLOCK = lazy_pattern(r"[|>][^\n]*\n\n* +$", re.MULTILINE)
_BRACES = lazy_pattern(r"\{[^}\n]*$", re.MULTILINE)  # a mapping in braces over several lines
_QUOTED_KEY = lazy_pattern(r"[\"']:[^ \n]")
_MARKER = lazy_pattern(r"^---", re.MULTILINE)
_LEADING = lazy_pattern(r"(?:#[^\n]*\n|\n)*--- *\n")
_NUMBERLIKE = lazy_pattern(r"(?<![\w.+-])[-+.]*[0-9_][-+.\w]*")
_PLAIN_NUMBER = lazy_pattern(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_ANY_NUMBER = lazy_pattern(r"[-+.0-9_a-fA-FxXoO]+")

_DEEP = "\n" + " " * 64
_MAX_BRACKETS = 200
_MAX_DASHES = 300


def read_fast(text: str) -> Any:
    """The document's value, or `DECLINED` when only the reference can say what it is."""
    if _is_doubtful(text) or not _has_a_thread_that_stays():
        return DECLINED
    plain = text.translate(_STAND_IN) if "&" in text or "*" in text or "!" in text else text
    try:
        import yaml_rs

        value = yaml_rs.loads(plain, parse_datetime=False)
    except (ImportError, ValueError, TypeError):  # TypeError: a list or a mapping as a key
        return DECLINED
    odd: list[float | None] = []
    if not _is_plain(value, MAX_DEPTH, odd) or (odd and not _odd_values_are_plain(odd, text)):
        return DECLINED
    if len(text) > MAX_NODES and _nodes(value) > MAX_NODES:  # no node is shorter than a character
        return DECLINED
    return value if plain is text else _restored(value)


def _has_a_thread_that_stays() -> bool:
    """yaml_rs 0.1.6 crashes the process when it is called after the thread that imported it has ended."""
    threading = sys.modules.get("threading")
    if threading is None or "yaml_rs" in sys.modules:
        return True
    return bool(threading.current_thread() is threading.main_thread())


def _is_doubtful(text: str) -> bool:
    """Whether the text holds anything the readers are known to differ on, or that may exhaust the fast one."""
    # Looking for one character is twenty times faster than for two, so the rare ones come first.
    return (
        "\t" in text
        or ("<" in text and "<<" in text)
        or ("%" in text and ("\n%" in text or text.startswith("%")))
        or ("\n..." in text or text.startswith("..."))
        or ("---" in text and not _one_document(text))
        or (not text.isascii() and _UNUSUAL.search(text) is not None)
        or (_DEEP in text or text.startswith(_DEEP[1:]))
        or (text.count("-") + text.count("?") > _MAX_DASHES and _TOO_COMPACT.search(text) is not None)
        or _brackets_are_doubtful(text)
        or _blocks_are_doubtful(text)
    )


def _one_document(text: str) -> bool:
    markers = _MARKER.findall(text)
    return not markers or (len(markers) == 1 and _LEADING.match(text) is not None)


def _brackets_are_doubtful(text: str) -> bool:
    braces = text.count("{")
    if text.count("[") + braces > _MAX_BRACKETS or (braces and _BRACES.search(text)):
        return True
    if "]" not in text and "}" not in text:
        return False
    quoted = ('"' in text and '":' in text) or ("'" in text and "':" in text)
    return quoted and _QUOTED_KEY.search(text) is not None


def _blocks_are_doubtful(text: str) -> bool:
    """Text blocks: yaml-rs ends one at the end of the file with a line break that is not there, and more."""
    if "|" not in text and ">" not in text:
        return False
    return not text.endswith("\n") or (" \n" in text and _BLANKS_BEGIN_BLOCK.search(text) is not None)


def _is_plain(value: Any, levels: int, odd: list[float | None]) -> bool:
    """Whether the readers agree on everything in `value`, save numbers and nulls, which are added to `odd`."""
    kind = type(value)
    if kind is str:
        return value[:1] not in _BEGINNINGS
    if kind is dict and levels:
        for key, each in value.items():
            if type(key) is not str or key[:1] in _BEGINNINGS:
                return False
            if type(each) is str:  # nearly all are; spares a call for each
                if each[:1] in _BEGINNINGS:
                    return False
            elif not _is_plain(each, levels - 1, odd):
                return False
        return True
    if kind is list and levels:
        for each in value:
            if type(each) is str:
                if each[:1] in _BEGINNINGS:
                    return False
            elif not _is_plain(each, levels - 1, odd):
                return False
        return True
    if kind is int or kind is float or value is None:
        odd.append(value)
    return kind in (int, float, bool) or value is None


def _nodes(value: Any) -> int:
    if type(value) is dict:
        return 1 + sum(1 + _nodes(each) for each in value.values())
    return 1 + sum(_nodes(each) for each in value) if type(value) is list else 1


def _odd_values_are_plain(odd: list[float | None], text: str) -> bool:
    """Whether nothing in the text looks like a number or a null that the readers may understand differently.

    A null may be what stands after a colon that is followed by a bracket; to the reference that colon is text.
    """
    if None in odd and (":]" in text or ":}" in text or ":," in text):
        return False
    return all(each is None for each in odd) or all(
        _PLAIN_NUMBER.fullmatch(found) or not _ANY_NUMBER.fullmatch(found)
        for found in _NUMBERLIKE.findall(text)
    )


def _restored(value: Any) -> Any:
    if type(value) is str:
        return value.translate(_RESTORED)
    if type(value) is dict:
        return {key.translate(_RESTORED): _restored(each) for key, each in value.items()}
    if type(value) is list:
        return [_restored(each) for each in value]
    return value
