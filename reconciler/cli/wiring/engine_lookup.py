"""Whether an engine that a person names is there, asked of the platform where there is a key at hand.

Looking engines up is documented on one page of the platform and missing on a newer one (docs/platform.md). So that an
engine is not found says something only where the platform shows another one that is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.platform.probe import look_at_platform
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.sealing import known_key
from reconciler.core.errors import PlatformError, UsageError
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_key_host

_SECONDS = 10.0
_NOT_SEEN = {404: "the platform has no engine `{}`", 403: "engine `{}` belongs to another organization"}
_NOT_OFFERED = frozenset({405, 501})
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


def _status(settings: Settings, key: str, engine_id: str) -> int:
    return look_at_platform(settings.api_url, key, _SECONDS, "engines", engine_id).status
