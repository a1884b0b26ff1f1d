"""Whether an engine that a person names is there, and what it is, asked of the platform where there is a key at hand.

Looking engines up is documented on one page of the platform and missing on a newer one (docs/platform.md). So that an
engine is not found says something only where the platform shows another one that is recorded.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable

from reconciler.adapters.platform.engines import EngineClient
from reconciler.adapters.platform.exchange import Timeouts
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.api_key import known_key
from reconciler.core.errors import PlatformError, UsageError
from reconciler.core.platform.engine import (
    Denied,
    Details,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Unreadable,
    why_unknown,
)
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_key_host
from reconciler.render.phrases.sanitize import sanitize

_SECONDS = 10.0
_COMPARED = 3  # recorded engines that are looked up to tell what a refusal means


def check_engine(
    settings: Settings, engine_id: str, recorded: Iterable[str], anyway: str, advice: str = "check the ID"
) -> None:
    """Raises `UsageError` for an engine that the platform does not show, though it shows one of the `recorded`, and
    `PlatformError` where it cannot be asked. `anyway` is the command that records the engine without asking.
    """
    key = known_key(settings)
    if key is None:
        return
    check_key_host(settings)
    hint = f"{advice}; to record it anyway: {anyway}"
    answer, another = asyncio.run(_compared(settings, key, engine_id, list(recorded)[:_COMPARED]))
    if isinstance(answer, Found | NotOffered):
        return
    said = not_seen(engine_id, answer)
    if said is None:
        status = answer.status if isinstance(answer, Denied | Unreadable) else None
        later = f"try again later; to record it without a lookup: {anyway}"
        raise PlatformError(
            f"the engine cannot be looked up: {why_unknown(answer)}",
            hint=hint if status else later,
            status=status,
        )
    if another:
        raise UsageError(said, hint=hint)
    warn(f"{said}, and has no other engine to compare with; recording it as given")


def refuse_if_there(settings: Settings, engines: Iterable[str]) -> None:
    """Raises `UsageError` for an engine that the platform still has, as far as it says."""
    key = known_key(settings)
    if key is None:
        return
    check_key_host(settings)
    for engine_id in engines:
        if isinstance(asyncio.run(_compared(settings, key, engine_id, []))[0], Found):
            raise UsageError(f"the platform still has {engine_id}", hint="delete it there first")


def details_of(settings: Settings, engine_id: str) -> Details | None:
    """What the platform shows of an engine; None where there is no key to ask with, or it offers no look-up.

    Raises `PlatformError` where it cannot be asked, and where it shows none.
    """
    key = known_key(settings)
    if key is None:
        return None
    check_key_host(settings)
    answer = asyncio.run(_compared(settings, key, engine_id, []))[0]
    if isinstance(answer, NotOffered):
        return None
    if not isinstance(answer, Found):
        status = getattr(answer, "status", None)
        said = not_seen(engine_id, answer)
        raise PlatformError(
            said or f"engine `{engine_id}` cannot be looked up: {why_unknown(answer)}", status=status
        )
    if answer.left_out:
        warn(sanitize(f"no engine file can have this of {engine_id}: {', '.join(answer.left_out)}"))
    return answer.details


def not_seen(engine_id: str, answer: EngineAnswer) -> str | None:
    """That the platform does not show this engine, in a sentence; None where it says something else."""
    if isinstance(answer, Gone):
        return f"the platform has no engine `{engine_id}` (404)"
    if isinstance(answer, Denied) and answer.status == 403:
        return f"engine `{engine_id}` belongs to another organization (403)"
    return None


async def _compared(
    settings: Settings, key: str, engine_id: str, others: list[str]
) -> tuple[EngineAnswer, bool]:
    """The answer about an engine, and whether the platform shows one of the others; asked only where that counts."""
    patience = Timeouts(_SECONDS, _SECONDS, _SECONDS, _SECONDS)
    async with EngineClient(settings.api_url, key, random=random.random, timeouts=patience) as engines:
        answer = await engines.read(engine_id)
        if not_seen(engine_id, answer) is not None:
            for one in others:
                if isinstance(await engines.read(one), Found):
                    return answer, True
        return answer, False
