"""Whether an engine that a person names is there, and what it is, asked of the platform where there is a key at hand.

Looking engines up is documented on one page of the platform and missing on a newer one (docs/platform.md). So that an
engine is not found says something only where the platform shows another one that is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.adapters.platform.probe import look_at_platform
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.sealing import known_key
from reconciler.core.engine.spec import meaning_of_text
from reconciler.core.errors import PlatformError, UsageError
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_key_host
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import LINE, LOCALE, MAX_NAME, TEXT, shown
from reconciler.render.phrases.sanitize import sanitize

_SECONDS = 10.0
_MOST = 1_000_000  # bytes of an answer about an engine
_NOT_SEEN = {404: "the platform has no engine `{}`", 403: "engine `{}` belongs to another organization"}
_NOT_OFFERED = frozenset({405, 501})
_NAMED = 5  # locales that are named in a warning
_COMPARED = 3  # recorded engines that are looked up to tell what a refusal means


def check_engine(settings: Settings, engine_id: str, recorded: Iterable[str], anyway: str) -> None:
    """Raises `UsageError` for an engine that the platform does not show, though it shows one of the `recorded`, and
    `PlatformError` where it cannot be asked. `anyway` is the command that records the engine without asking.
    """
    key = known_key(settings)
    if key is None:
        return
    check_key_host(settings)
    hint = f"check the ID; to record it anyway: {anyway}"
    try:
        status = _status(settings, key, engine_id)
    except PlatformError as error:
        message = f"the engine cannot be looked up: {error.message}"
        raise PlatformError(
            message, hint=f"try again later; to record it without a lookup: {anyway}"
        ) from error
    if 200 <= status < 300 or status in _NOT_OFFERED:
        return
    if status not in _NOT_SEEN:
        raise PlatformError(
            f"the engine cannot be looked up: the platform answered {status}", hint=hint, status=status
        )
    said = f"{_NOT_SEEN[status].format(engine_id)} ({status})"
    if any(200 <= _status(settings, key, one) < 300 for one in list(recorded)[:_COMPARED]):
        raise UsageError(said, hint=hint)
    warn(f"{said}, and has no other engine to compare with; recording it as given")


class Details(NamedTuple):
    """What the platform says of an engine. What is not there, or is not of its kind, is None or left out."""

    name: str | None = None
    description: str | None = None
    locales: tuple[str, ...] = ()


def details_of(settings: Settings, engine_id: str) -> Details | None:
    """What the platform shows of an engine; None where there is no key to ask with, or it offers no look-up.

    Raises `PlatformError` where it cannot be asked, and where it shows none.
    """
    key = known_key(settings)
    if key is None:
        return None
    check_key_host(settings)
    seen = look_at_platform(settings.api_url, key, _SECONDS, "engines", engine_id, most=_MOST)
    if seen.status in _NOT_OFFERED:
        return None
    if not 200 <= seen.status < 300:
        said = _NOT_SEEN.get(seen.status, "engine `{}` cannot be looked up: the platform refused").format(
            engine_id
        )
        raise PlatformError(f"{said} ({seen.status})", status=seen.status)
    try:
        document = read_json(seen.body)
    except JsonRefused:
        document = None
    if not isinstance(document, dict):
        raise PlatformError(
            f"engine `{engine_id}` cannot be looked up: what the platform answered is no engine"
        )
    details = read_details(document)
    if left_out := _left_out(document, details):
        warn(sanitize(f"no engine file can have this of {engine_id}: {', '.join(left_out)}"))
    return details


def read_details(document: Mapping[str, Any]) -> Details:
    """What of an answer is usable, without what does not count in an engine file either."""
    name, description = document.get("name"), document.get("description")
    locales = document.get("targetLocales")
    known = filter(LOCALE.accepts, locales) if isinstance(locales, list) else ()
    return Details(
        meaning_of_text(name).strip()
        if LINE.accepts(name) and name.strip() and len(name) <= MAX_NAME
        else None,
        meaning_of_text(description).strip() if TEXT.accepts(description) and description.strip() else None,
        tuple(dict.fromkeys(known)),
    )


def _left_out(document: Mapping[str, Any], details: Details) -> list[str]:
    """What of an answer is not usable, for people."""
    description, locales = document.get("description"), document.get("targetLocales")
    told = ["its description"] if description and details.description is None else []
    unknown = [one for one in locales if one not in details.locales] if isinstance(locales, list) else []
    told += [f"the locale {shown(one)}" for one in unknown[:_NAMED]]
    return [*told, f"{len(unknown) - _NAMED} more locales"] if len(unknown) > _NAMED else told


def _status(settings: Settings, key: str, engine_id: str) -> int:
    return look_at_platform(settings.api_url, key, _SECONDS, "engines", engine_id).status
