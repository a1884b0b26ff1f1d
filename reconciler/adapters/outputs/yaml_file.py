"""Puts an engine's ID into a YAML file, and leaves comments, quotes and layout as they are.

ruamel.yaml says where everything stands, and only that piece of the text changes. Then both texts are read again: they
must mean the same but for the one value, or the file is left alone. So what the edit does not understand (an anchor
that is used elsewhere, a text in block form) is refused and never damaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.core.outputs.places import (
    OutputRefused,
    decoded,
    nested,
    newline_of,
    pointer_to,
    quoted,
    tokens_of,
)
from reconciler.core.patterns import lazy_pattern

MAX_DEPTH = 100
_PLAIN = lazy_pattern(r"[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_INDEX = lazy_pattern(r"0|[1-9][0-9]{0,8}")
_CHANGE_IT = "change the pointer, or add the value by hand once"


def put_into_yaml(content: bytes | None, pointer: str, engine_id: str) -> bytes:
    """The file with the ID at the pointer; None is a file that is not there yet. Raises `OutputRefused`."""
    mark, text = decoded(content or b"")
    tokens = tokens_of(pointer)
    root = _composed(text)
    if _is_nothing(root):
        before = text + newline_of(text) if text and not text.endswith("\n") else text
        whole = f"{before}{_block(tokens, engine_id, '', newline_of(text))}{newline_of(text)}"
        if _plain(_composed(whole)) == nested(tokens, engine_id):
            return mark + whole.encode()
    else:
        for candidate in _candidates(text, root, tokens, engine_id):
            if candidate == text or _means(root, candidate, tokens, engine_id):
                return mark + candidate.encode()
    raise OutputRefused(
        f"{pointer_to(tokens)} cannot be set without changing something else", hint=_CHANGE_IT
    )


def _composed(text: str) -> Any:
    """The tree of nodes, None for an empty document."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        _check_depth(YAML(typ="rt", pure=True).parse(text))
        return YAML(typ="rt", pure=True).compose(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        what = getattr(error, "problem", None) or "it cannot be parsed"
        raise OutputRefused(f"it is not one YAML document: {what}{place}", hint="fix the file") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise OutputRefused("it is not readable YAML") from error


def _check_depth(events: Iterable[Any]) -> None:
    """What is nested deeper takes ruamel.yaml minutes, and nobody writes it."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > MAX_DEPTH:
            raise OutputRefused("it is nested too deeply", hint="check that it is the right file")


def _is_nothing(node: Any) -> bool:
    return node is None or (_is_scalar(node) and node.tag == "tag:yaml.org,2002:null" and node.value == "")


def _is_scalar(node: Any) -> bool:
    return isinstance(node.value, str)


def _is_mapping(node: Any) -> bool:
    return type(node).__name__ == "MappingNode"


def _candidates(text: str, root: Any, tokens: list[str], engine_id: str) -> Iterator[str]:
    """Texts that may be the right one, the nicest first."""
    key, node = None, root
    for depth, token in enumerate(tokens):
        where = pointer_to(tokens[:depth]) or "the document"
        if _is_scalar(node):
            raise OutputRefused(
                f"{where} is not a mapping, so nothing can be added to it", hint="change the pointer"
            )
        found = _member(node, token, where) if _is_mapping(node) else (None, _item(node, token, where))
        if found is None:
            yield from _added(text, node, tokens[depth:], engine_id)
            return
        key, node = found
    if not _is_scalar(node):
        kind = "a mapping" if _is_mapping(node) else "a list"
        raise OutputRefused(
            f"{pointer_to(tokens)} is {kind}, which an ID would replace", hint="change the pointer"
        )
    yield (
        text
        if node.value == engine_id and node.tag.endswith(":str")
        else _replaced(text, key, node, engine_id)
    )


def _member(node: Any, token: str, where: str) -> tuple[Any, Any] | None:
    found = [(key, value) for key, value in node.value if _is_scalar(key) and key.value == token]
    if len(found) > 1:
        raise OutputRefused(f"duplicate key {quoted(token)} in {where}", hint="remove one of them")
    return found[0] if found else None


def _item(node: Any, token: str, where: str) -> Any:
    if not _INDEX.fullmatch(token) or int(token) >= len(node.value):
        said = f"{where} is a list of {len(node.value)}, and has no item `{token}`"
        raise OutputRefused(said, hint="use an existing item: they count from 0, and none is added")
    return node.value[int(token)]


def _replaced(text: str, key: Any | None, node: Any, engine_id: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    new = _scalar(engine_id)
    if node.style == "'" and "'" not in engine_id:
        new = f"'{engine_id}'"
    elif node.style == '"':
        new = quoted(engine_id)
    elif node.style in ("|", ">"):
        new += newline_of(text)
    if start == end:  # an empty value, which ruamel.yaml sees where the next thing begins
        start = end = start if key is None else text.find(":", key.end_mark.index) + 1
        new = f" {new}"
    return text[:start] + new + text[end:]


def _added(text: str, node: Any, tokens: list[str], engine_id: str) -> Iterator[str]:
    start, end = node.start_mark.index, node.end_mark.index
    if node.flow_style:
        inner = text[start + 1 : end - 1]
        before = inner.rstrip()
        gap = ("" if before.endswith(",") else ",") + " " if node.value else ""
        yield (
            text[: start + 1]
            + before
            + gap
            + _flow(tokens, engine_id)
            + inner[len(before) :]
            + text[end - 1 :]
        )
        return
    newline = newline_of(text)
    first = node.value[0][0].start_mark
    new = _block(tokens, engine_id, " " * first.column, newline)
    at = _after_last(text, node)
    lead = " " * first.column
    yield f"{text[:at]}{'' if text[:at].endswith(chr(10)) else newline}{lead}{new}{newline}{text[at:]}"
    yield f"{text[: first.index]}{new}{newline}{lead}{text[first.index :]}"


def _after_last(text: str, node: Any) -> int:
    """Where a line can be added after the last member: before the comments and blank lines that follow it."""
    while not _is_scalar(node) and node.value and not node.flow_style:
        node = node.value[-1][1] if _is_mapping(node) else node.value[-1]
    at: int = node.end_mark.index
    if text[at - 1 : at] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _block(tokens: list[str], engine_id: str, indent: str, newline: str) -> str:
    lines = [f"{indent + '  ' * depth}{_scalar(token)}:" for depth, token in enumerate(tokens)]
    lines[0] = lines[0].lstrip(" ")
    return newline.join(lines) + f" {_scalar(engine_id)}"


def _flow(tokens: list[str], engine_id: str) -> str:
    written = _scalar(engine_id)
    for token in reversed(tokens[1:]):
        written = f"{{{_scalar(token)}: {written}}}"
    return f"{_scalar(tokens[0])}: {written}"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def _means(before: Any, candidate: str, tokens: list[str], engine_id: str) -> bool:
    """Whether the text means the same as before, with the ID at its place."""
    try:
        after = _composed(candidate)
    except OutputRefused:
        return False
    return _as_wanted(before, after, tokens, engine_id)


def _as_wanted(before: Any, after: Any, tokens: list[str], engine_id: str) -> bool:
    if not tokens:
        return _is_scalar(after) and after.value == engine_id and after.tag.endswith(":str")
    if type(before) is not type(after) or before.tag != after.tag:
        return False
    if not _is_mapping(before):
        index = int(tokens[0])
        pairs = zip(before.value, after.value, strict=False)
        return len(before.value) == len(after.value) and all(
            _as_wanted(one, two, tokens[1:], engine_id) if at == index else _same(one, two)
            for at, (one, two) in enumerate(pairs)
        )
    old, new = ([pair for pair in node.value if pair[0].value != tokens[0]] for node in (before, after))
    mine, yours = (next((v for k, v in node.value if k.value == tokens[0]), None) for node in (before, after))
    others = len(old) == len(new) and all(_same_pair(*both) for both in zip(old, new, strict=True))
    if yours is None or not others:
        return False
    if mine is None:
        return bool(_plain(yours) == nested(tokens[1:], engine_id))
    return _as_wanted(mine, yours, tokens[1:], engine_id)


def _same_pair(one: tuple[Any, Any], two: tuple[Any, Any]) -> bool:
    return _same(one[0], two[0]) and _same(one[1], two[1])


def _same(one: Any, two: Any, seen: set[tuple[int, int]] | None = None) -> bool:
    """Whether two trees are alike. What aliases make of them (a tree of millions, a circle) is looked at once."""
    seen = set() if seen is None else seen
    if (id(one), id(two)) in seen:
        return True
    seen.add((id(one), id(two)))
    if type(one) is not type(two) or one.tag != two.tag or one.anchor != two.anchor:
        return False
    if _is_scalar(one):
        return bool(one.value == two.value)
    if len(one.value) != len(two.value):
        return False
    if _is_mapping(one):
        pairs = zip(one.value, two.value, strict=True)
        return all(_same(a, c, seen) and _same(b, d, seen) for (a, b), (c, d) in pairs)
    return all(_same(a, b, seen) for a, b in zip(one.value, two.value, strict=True))


def _plain(node: Any) -> object:
    """The strings of what was added, nested as they are."""
    if _is_mapping(node):
        return {key.value: _plain(value) for key, value in node.value}
    return node.value if _is_scalar(node) and node.tag.endswith(":str") else None
