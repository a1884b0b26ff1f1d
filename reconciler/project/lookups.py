"""Wires looking engines up: asks the platform about each engine once in a run, with the key that the command has."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from reconciler.core.commands import key_variable
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.platform.engine import EngineAnswer
    from reconciler.core.settings.model import Settings

_SECONDS = 10.0  # for one answer


class EngineLookups:
    """Implements the port `Lookups`. With `needed` a missing key is an error; without, nothing is asked then."""

    def __init__(self, settings: Settings, key: Callable[[], str | None], *, needed: bool) -> None:
        self._settings = settings
        self._key = key
        self._needed = needed
        self._known: dict[str, EngineAnswer] = {}

    def __call__(self, engine_ids: Collection[str]) -> Mapping[str, EngineAnswer]:
        """Raises `GuardRefused` for a host that only the repository names, `InvalidInput` without a key."""
        if new := [one for one in engine_ids if one not in self._known]:
            self._known |= self._ask(new)
        return {one: self._known[one] for one in engine_ids if one in self._known}

    def _ask(self, engine_ids: Collection[str]) -> Mapping[str, EngineAnswer]:
        from reconciler.core.settings.trust import check_key_host

        key = self._key()
        if key is None and not self._needed:
            return {}
        check_key_host(self._settings)
        if key is None:
            raise InvalidInput(
                "no API key", hint=f"set {key_variable()}; --refresh asks the platform about engines"
            )
        return asyncio.run(_asked(self._settings.api_url, key, engine_ids))


async def _asked(api_url: str, key: str, engine_ids: Collection[str]) -> Mapping[str, EngineAnswer]:
    from reconciler.adapters.platform.engines import EngineClient  # the network, only here
    from reconciler.adapters.platform.exchange import Timeouts
    from reconciler.app.refreshing import look_up

    patience = Timeouts(_SECONDS, _SECONDS, _SECONDS, _SECONDS)
    async with EngineClient(api_url, key, random=random.random, timeouts=patience) as engines:
        return await look_up(engines, engine_ids)
