"""The types that the text of an entry is checked against, in one pass and without keeping anything (see `text.entry`).

They know shapes only; `text.check` knows what each kind of value may be.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


# `gc=False`: none of them can be part of a circle.
class _Strict(Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    pass


class SourceValues(_Strict, kw_only=True):
    """A source of a spec's record."""

    chars: int | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    file: str | UnsetType = UNSET
    payload: str | UnsetType = UNSET
    type: str


class SpecValues(_Strict, kw_only=True):
    """The record of a spec."""

    description: str | UnsetType = UNSET
    locales: list[str] | UnsetType = UNSET
    name: str
    sources: list[SourceValues] | UnsetType = UNSET


class OutputValues(_Strict, kw_only=True):
    """A place for an engine's ID."""

    file: str
    key: str | UnsetType = UNSET
    pointer: str | UnsetType = UNSET


class PendingValues(_Strict, kw_only=True):
    """An operation under way."""

    because: str | UnsetType = UNSET
    engine_id: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    files: dict[str, str] | UnsetType = UNSET
    fingerprint: str
    instead_of: str | UnsetType = UNSET
    job_id: str | UnsetType = UNSET
    operation_id: str
    spec: SpecValues
    status: str
    submitted_at: str | UnsetType = UNSET


class SupersededValues(_Strict, kw_only=True):
    """An engine that was replaced."""

    engine_id: str
    error: str | UnsetType = UNSET
    files: dict[str, str] | UnsetType = UNSET
    fingerprint: str
    job_id: str | UnsetType = UNSET
    operation_id: str | UnsetType = UNSET
    provisioned_at: str | UnsetType = UNSET
    replaced_at: str
    revision: int | UnsetType = UNSET
    spec: SpecValues
    status: str | UnsetType = UNSET
    submitted_at: str | UnsetType = UNSET
    summary: dict[str, int] | UnsetType = UNSET
    updated_at: str | UnsetType = UNSET
    updating: list[int] | UnsetType = UNSET


class HoldValues(_Strict, kw_only=True):
    """What a rollback holds back."""

    by: str
    fingerprint: str
    operation_id: str
    since: str
    spec: SpecValues


class EntryValues(_Strict, kw_only=True):
    """An entry."""

    engine_id: str | UnsetType = UNSET
    files: dict[str, str] | UnsetType = UNSET
    fingerprint: str | UnsetType = UNSET
    hold: HoldValues | UnsetType = UNSET
    job_id: str | UnsetType = UNSET
    operation_id: str | UnsetType = UNSET
    outputs: list[OutputValues] | UnsetType = UNSET
    pending: PendingValues | UnsetType = UNSET
    protect: bool | UnsetType = UNSET
    provisioned_at: str | UnsetType = UNSET
    pruning: dict[str, str] | UnsetType = UNSET
    revision: int | UnsetType = UNSET
    spec: SpecValues | UnsetType = UNSET
    summary: dict[str, int] | UnsetType = UNSET
    superseded: list[SupersededValues] | UnsetType = UNSET
    uncertain: list[PendingValues] | UnsetType = UNSET
    updated_at: str | UnsetType = UNSET
    updating: list[int] | UnsetType = UNSET


class RetiredValues(EntryValues, kw_only=True):
    """An entry whose file is gone."""

    retired_at: str
