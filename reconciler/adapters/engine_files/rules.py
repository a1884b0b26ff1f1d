"""What types cannot say of a value in an engine file: each rule takes a value and gives it back, or says what is wrong.

Apart from the model, which costs a tenth of a second to build: its validator asks them, and so does the one that was
built before (`validator.py`). Errors of our own have a type beginning with `engine_` and say everything themselves
(`ctx["hint"]`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from reconciler.adapters.engine_files.core_alone import pydantic_core
from reconciler.adapters.engine_files.locales import locale_problem
from reconciler.adapters.yaml.invisible import is_blank
from reconciler.adapters.yaml.text import cut
from reconciler.core.duration import parse_duration
from reconciler.core.errors import InvalidInput
from reconciler.core.suggest import did_you_mean
from reconciler.core.values import LINE, POINTER, TEXT, VARIABLE, why_no_link

if TYPE_CHECKING:
    from pydantic_core import PydanticCustomError


class _Content(Protocol):
    payload: str
    file: str


class _Place(Protocol):
    pointer: str
    key: str


REFRESHES = ("report", "reprovision")
MAX_AGE_DAYS = 3650

Content = TypeVar("Content", bound=_Content)
Place = TypeVar("Place", bound=_Place)


def _problem(kind: str, message: str, hint: str) -> PydanticCustomError:
    # The texts hold what the user wrote, so they travel as values and never as the template.
    error: PydanticCustomError = pydantic_core().PydanticCustomError(
        f"engine_{kind}", "{message}", {"message": message, "hint": hint}
    )
    return error


def not_blank(text: str) -> str:
    if is_blank(text):
        raise _problem("blank", "{where} is empty", "write some text")
    return text


def one_line(text: str) -> str:
    if len(text.strip().splitlines()) > 1:
        raise _problem("lines", "{where} has more than one line", "keep it to one line")
    if not LINE.accepts(not_blank(text).strip()):
        raise _control()
    return text


def readable(text: str) -> str:
    if not TEXT.accepts(text):
        raise _control()
    return text


def _control() -> PydanticCustomError:
    return _problem("control", "{where} contains a control character", "remove it")


def locale(written: str) -> str:
    if problem := locale_problem(written):
        raise _problem("locale", *problem)
    return written


def no_duplicates(locales: list[str]) -> list[str]:
    if len(set(locales)) < len(locales):
        raise _problem("duplicate", "a locale is listed twice", "remove one of them")
    return locales


def web_address(url: str) -> str:
    if reason := why_no_link(url):
        shown = cut(url[:60]).text + ("…" if len(url) > 60 else "")
        raise _problem("link", f"`{shown}` is not a web address: {reason}", _URL_HINT)
    return url


_URL_HINT = "write the full URL, such as `https://acme.com/guide`; for text use `type: content`"


def json_pointer(pointer: str) -> str:
    if not POINTER.accepts(pointer):
        raise _problem(
            "pointer",
            "{where} is not a JSON Pointer",
            "write `/engineId`, or `/a/b` for `b` in `a`; `~1` stands for a slash in a name, `~0` for a tilde",
        )
    return pointer


def variable(name: str) -> str:
    if not VARIABLE.accepts(name):
        raise _problem(
            "variable",
            "{where} is not the name of a variable",
            "use letters, digits and `_`: LINGO_ENGINE_ID",
        )
    return name


def what_to_do_about_sources(choice: str) -> str:
    if choice not in REFRESHES:
        meant = did_you_mean(choice, REFRESHES)
        hint = f"did you mean `{meant}`?" if meant else "use `report` or `reprovision`"
        raise _problem("refresh", "{where} must be `report` or `reprovision`", hint)
    return choice


def length_of_time(written: str) -> str:
    try:
        seconds = parse_duration(written)
    except InvalidInput as error:
        hint = error.hint or ""
        raise _problem("age", "{where} must be a length of time", f"write 90d or 36h; {hint}") from error
    if not 0 < seconds <= MAX_AGE_DAYS * 86400:
        raise _problem(
            "age", f"{{where}} must be more than 0 and at most {MAX_AGE_DAYS} days", "write 90d or 36h"
        )
    return written


def payload_or_file(source: Content) -> Content:
    if bool(source.payload) == bool(source.file):
        raise _problem("either", "{where} needs either `payload` or `file`", "keep one of the two")
    return source


def pointer_or_key(place: Place) -> Place:
    if bool(place.pointer) == bool(place.key):
        raise _problem("either", "{where} needs either `pointer` or `key`", "keep one of the two")
    return place
