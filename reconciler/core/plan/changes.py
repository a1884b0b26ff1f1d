"""Field-level differences between what is recorded of an engine and what its file asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.engine.spec import LifecycleOptions, Output, Spec, SpecRecord, record_of, sources_of
from reconciler.core.plan.model import Change


def changes_between(recorded: SpecRecord, spec: Spec) -> tuple[Change, ...]:
    """What is different, in the order a person reads an engine file. Equal meaning gives no change."""
    wanted = record_of(spec)
    changes = [
        Change(name, recorded.get(name), wanted.get(name))
        for name in ("name", "description")
        if recorded.get(name) != wanted.get(name)
    ]
    changes += _locales(recorded.get("locales", ()), wanted.get("locales", ()))
    changes += _links(_payloads(recorded), _payloads(wanted))
    changes += _contents(_texts(recorded), _texts(wanted), _new_texts(wanted, spec))
    return tuple(changes)


def changes_of_kept(recorded: LifecycleOptions, kept: LifecycleOptions) -> tuple[Change, ...]:
    """What is different beside the spec: one change for protection, and one for each output."""
    changes: list[Change] = []
    if recorded.protect != kept.protect:
        changes.append(
            Change("protect", old="true" if recorded.protect else None, new="true" if kept.protect else None)
        )
    changes += [Change("outputs", old=_place(one)) for one in recorded.outputs if one not in kept.outputs]
    changes += [Change("outputs", new=_place(one)) for one in kept.outputs if one not in recorded.outputs]
    return tuple(changes)


def _place(output: Output) -> str:
    return f"{output.file} {output.pointer or output.key}"


def _locales(old: Any, new: Any) -> list[Change]:
    removed = [Change("locales", old=tag) for tag in old if tag not in new]
    return removed + [Change("locales", new=tag) for tag in new if tag not in old]


def _payloads(record: SpecRecord) -> list[str]:
    return [source["payload"] for source in sources_of(record) if source["type"] == "link"]


def _links(old: list[str], new: list[str]) -> list[Change]:
    removed = _without(old, new)
    return [Change("sources", old=url) for url in removed] + [
        Change("sources", new=url) for url in _without(new, old)
    ]


def _texts(record: SpecRecord) -> list[Mapping[str, Any]]:
    return [source for source in sources_of(record) if source["type"] == "content"]


def _contents(
    old: list[Mapping[str, Any]], new: list[Mapping[str, Any]], texts: Mapping[str, str]
) -> list[Change]:
    """Changed texts in pairs: those of one file belong together, the rest pair up in their order."""
    gone = _without_digests(old, new)
    come = _without_digests(new, old)
    pairs: list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = []
    for source in list(come):
        partner = next((one for one in gone if one.get("file") == source.get("file")), None)
        if partner is not None:
            gone.remove(partner)
            come.remove(source)
            pairs.append((partner, source))
    while gone and come:
        pairs.append((gone.pop(0), come.pop(0)))
    pairs += [(one, None) for one in gone] + [(None, one) for one in come]
    return [_content_change(before, after, texts) for before, after in pairs]


def _content_change(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    texts: Mapping[str, str],
) -> Change:
    newest = new or old or {}
    return Change(
        "sources",
        old=old["digest"] if old else None,
        new=new["digest"] if new else None,
        content=True,
        old_chars=old.get("chars") if old else None,
        new_chars=new.get("chars") if new else None,
        file=newest.get("file"),
        new_text=texts.get(new["digest"]) if new else None,
    )


def _new_texts(wanted: SpecRecord, spec: Spec) -> dict[str, str]:
    contents = [source for source in spec.sources if source.type == "content"]
    return {record["digest"]: source.payload for record, source in zip(_texts(wanted), contents, strict=True)}


def _without(these: list[str], those: list[str]) -> list[str]:
    """What is left of `these` when each of `those` takes one equal element away."""
    kept, rest = [], list(those)
    for one in these:
        if one in rest:
            rest.remove(one)
        else:
            kept.append(one)
    return kept


def _without_digests(
    these: list[Mapping[str, Any]], those: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    if not these or not those:
        return list(these)
    missing = _without([one["digest"] for one in these], [one["digest"] for one in those])
    kept: list[Mapping[str, Any]] = []
    for one in these:
        if one["digest"] in missing:
            missing.remove(one["digest"])
            kept.append(one)
    return kept
