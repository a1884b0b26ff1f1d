"""What applications and Lingo's own clients ask an engine: localize, recognize the language, estimate the cost.

The answers have the shapes that those clients read. They send more from release to release, so unlike for provisioning
what is not known here is ignored. Nothing costs anything; the numbers are made up, and the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.sandbox.fault_kinds import Fault
from reconciler.sandbox.pseudo import TooDeep, characters, language_of, translated
from reconciler.sandbox.request_log import RequestRecord
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.validation import Rejected, read_json, read_locale

PATHS = ("/process/localize", "/process/recognize", "/process/estimate")
MODEL = "sandbox/pseudo"
_CHARACTERS_OF_A_TOKEN = 4
_DOLLARS_OF_A_TOKEN = 0.00002
_FEE = 0.00001  # dollars for a character


class ProcessEndpoint:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def prepare(
        self, request: Request, body: bytes, record: RequestRecord
    ) -> tuple[Callable[[], Response], tuple[Fault, ...]]:
        record.body = read_json(body)
        if not isinstance(record.body, dict):
            raise Rejected("body: an object is expected")
        fields: Mapping[str, object] = record.body
        name, text, engine_id = self._engine(fields.get("engineId"))
        answers = {"localize": _localized, "recognize": _recognized, "estimate": _estimated}
        try:
            answer = answers[request.url.path.rpartition("/")[2]](fields)
        except TooDeep as error:
            raise Rejected("data: too many objects within one another") from error
        return (lambda: JSONResponse(answer)), self._sandbox.faults.take("process", name, text, engine_id)

    def _engine(self, engine_id: object) -> tuple[str, str, str]:
        """The name, text and ID of the engine that is named; a request without one goes to a default engine."""
        if engine_id is None:
            return "", "", ""
        engine = self._sandbox.world.engines.get(engine_id) if isinstance(engine_id, str) else None
        if engine is None:
            raise Rejected("No such engine", 404)
        return engine.name, f"{engine.name}\n{engine.description or ''}", engine.id


def _localized(fields: Mapping[str, object]) -> dict[str, object]:
    source, target = fields.get("sourceLocale"), read_locale(fields.get("targetLocale"), "targetLocale")
    if source is not None:
        read_locale(source, "sourceLocale")
    data = fields.get("data")
    if not isinstance(data, dict):
        raise Rejected("data: an object is expected")
    tokens = _tokens(characters(data))
    usage = {"inputTokens": tokens, "outputTokens": tokens, "cost": _dollars(tokens)}
    return {
        "data": data if source == target else translated(data, target),
        "sourceLocale": source,
        "targetLocale": target,
        "model": MODEL,
        "usage": usage,
    }


def _recognized(fields: Mapping[str, object]) -> dict[str, object]:
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Rejected("text: must not be empty")
    return {"locale": language_of(text)}


def _estimated(fields: Mapping[str, object]) -> dict[str, object]:
    items = fields.get("items")
    if not isinstance(items, list) or not items:
        raise Rejected("items: at least one is expected")
    counts: dict[str, int] = {}
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise Rejected(f"items[{index}]: an object is expected")
        locale, count = (
            read_locale(item.get("targetLocale"), f"items[{index}].targetLocale"),
            item.get("sourceChars"),
        )
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 2**53:
            raise Rejected(f"items[{index}].sourceChars: a number of characters is expected")
        counts[locale] = counts.get(locale, 0) + count
    total, tokens = sum(counts.values()), sum(map(_tokens, counts.values()))
    fee = round(total * _FEE, 6)
    return {
        "approximate": True,
        "totals": {
            "sourceChars": total,
            "estimatedOutputTokens": tokens,
            "estimatedLlmCostUsd": _dollars(tokens),
            "estimatedLocalizationCostUsd": fee,
            "estimatedTotalCostUsd": round(_dollars(tokens) + fee, 6),
        },
        "byLocale": [
            {
                "targetLocale": locale,
                "sourceChars": count,
                "estimatedOutputTokens": _tokens(count),
                "estimatedCostUsd": round(_dollars(_tokens(count)) + count * _FEE, 6),
            }
            for locale, count in counts.items()
        ],
    }


def _tokens(count: int) -> int:
    return math.ceil(count / _CHARACTERS_OF_A_TOKEN)


def _dollars(tokens: int) -> float:
    return round(tokens * _DOLLARS_OF_A_TOKEN, 6)
