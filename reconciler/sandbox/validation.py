"""What the platform accepts in a request body. Strict, unknown fields included: a client that sends more than
the documentation allows should find that out here."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from reconciler.core.patterns import lazy_pattern
from reconciler.sandbox.jobs import Source

MOST_SOURCES = 10
_LOCALE = lazy_pattern(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


class Rejected(Exception):
    """The request is answered with `status` and this message, and changes nothing."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class CreateRequest(NamedTuple):
    name: str
    description: str | None
    locales: tuple[str, ...]
    sources: tuple[Source, ...]
    callback_url: str | None


def read_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Rejected("The body is not valid JSON") from error


def read_create(doc: object) -> CreateRequest:
    fields = _object(doc, "body", {"engine", "locales", "sources", "callbackUrl"})
    engine = _object(fields.get("engine"), "engine", {"name", "description"})
    sources = _list(fields.get("sources", []), "sources")
    if len(sources) > MOST_SOURCES:
        raise Rejected(f"sources: at most {MOST_SOURCES} are allowed, there are {len(sources)}")
    return CreateRequest(
        name=_text(engine.get("name"), "engine.name"),
        description=_string(engine["description"], "engine.description") if "description" in engine else None,
        locales=_locales(fields.get("locales", []), "locales"),
        sources=tuple(_source(item, f"sources[{index}]") for index, item in enumerate(sources)),
        callback_url=_callback(fields["callbackUrl"]) if "callbackUrl" in fields else None,
    )


def read_engine_change(doc: object) -> dict[str, object]:
    """The fields of an `Engine` to change."""
    fields = _object(doc, "body", {"name", "description", "sourceLocales", "targetLocales"})
    changes: dict[str, object] = {}
    if "name" in fields:
        changes["name"] = _text(fields["name"], "name")
    if "description" in fields:
        changes["description"] = _string(fields["description"], "description")
    if "sourceLocales" in fields:
        changes["source_locales"] = _locales(fields["sourceLocales"], "sourceLocales")
    if "targetLocales" in fields:
        changes["target_locales"] = _locales(fields["targetLocales"], "targetLocales")
    return changes


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _object(value: object, where: str, known: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Rejected(f"{where}: an object is expected")
    for name in value:
        if name not in known:
            raise Rejected(f"{where}: unknown field {name!r}")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise Rejected(f"{where}: an array is expected")
    return value


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Rejected(f"{where}: a string is expected")
    return value


def _text(value: object, where: str) -> str:
    text = _string(value, where)
    if not text.strip():
        raise Rejected(f"{where}: must not be empty")
    return text


def _locales(value: object, where: str) -> tuple[str, ...]:
    locales = tuple(_string(item, f"{where}[{index}]") for index, item in enumerate(_list(value, where)))
    for index, locale in enumerate(locales):
        read_locale(locale, f"{where}[{index}]")
    return locales


def read_locale(value: object, where: str) -> str:
    locale = _string(value, where)
    if not _LOCALE.fullmatch(locale):
        raise Rejected(f"{where}: {locale[:40]!r} is not a BCP-47 locale")
    return locale


def _source(value: object, where: str) -> Source:
    fields = _object(value, where, {"type", "payload"})
    kind = fields.get("type")
    if kind not in ("link", "content"):
        raise Rejected(f"{where}.type: must be link or content")
    payload = _text(fields.get("payload"), f"{where}.payload")
    if kind == "link" and _scheme_and_host(payload)[0] not in ("http", "https"):
        raise Rejected(f"{where}.payload: a link must be an http or https URL")
    return Source(str(kind), payload)


def _callback(value: object) -> str:
    url = _string(value, "callbackUrl")
    scheme, host = _scheme_and_host(url)
    if scheme == "https" or (scheme == "http" and is_loopback(host)):
        return url
    raise Rejected("callbackUrl: must be an HTTPS URL")


def _scheme_and_host(url: str) -> tuple[str, str]:
    """Empty strings for what is not a URL with a host and a sane port."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "", ""
    return (parts.scheme.lower(), host) if host else ("", "")
