"""Whether the values of an entry's text are sound: what `entry_format.read_entry` accepts, at a fifth of its cost.

Before a lockfile is written, every entry is looked at, ten thousand of them for one that changed. It is the same
validator for each kind of value (core/values.py), without the typed entry that nobody needs. In doubt it says no, and
`read_entry` finds words for what is wrong; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from reconciler.core.engine.record import LONGEST_NAME
from reconciler.core.engine.spec import MAX_OUTPUTS, MAX_SOURCES
from reconciler.core.lockfile.entry import FAILED, IN_PROGRESS, UNCERTAIN
from reconciler.core.lockfile.text.values import (
    EntryValues,
    HoldValues,
    OutputValues,
    PendingValues,
    RetiredValues,
    SourceValues,
    SpecValues,
    SupersededValues,
)
from reconciler.core.values import (
    COUNTED,
    DIGEST,
    FINGERPRINT,
    ID,
    LINE,
    LINK,
    LOCALE,
    OBJECT_ID,
    OUTPUT_PATH,
    PATH,
    POINTER,
    TEXT,
    TIME,
    VARIABLE,
    Kind,
    is_count,
    is_number,
)


def is_sound(entry: EntryValues) -> bool:
    """Whether the exact reader would accept it."""
    if isinstance(entry, RetiredValues) and not TIME.accepts(entry.retired_at):
        return False
    parts = (entry.pending, entry.uncertain, entry.superseded, entry.outputs, entry.hold, entry.pruning)
    if parts != (UNSET,) * len(parts) and not _are_rare_parts_sound(entry):
        return False
    if entry.engine_id is UNSET:  # nothing serves yet
        return _has_no_top(entry) and (
            entry.pending is not UNSET or bool(entry.uncertain or entry.superseded)
        )
    return (
        ID.accepts(entry.engine_id)
        and FINGERPRINT.accepts(entry.fingerprint)
        and entry.spec is not UNSET
        and _is_spec(entry.spec)
        and _are_files(entry.files)
        and _is(ID, entry.job_id)
        and _is(ID, entry.operation_id)
        and _is(TIME, entry.provisioned_at)
        and _is(TIME, entry.updated_at)
        and _are_numbers(entry.revision, entry.updating)
        and _are_counts(entry.summary)
    )


def are_sound(entries: Sequence[EntryValues]) -> bool:
    """The same of many entries in which an engine serves and nothing else is, at a third of the cost. Their engine ID,
    fingerprint, files and spec are known to be there.
    """
    specs = [entry.spec for entry in entries if entry.spec is not UNSET]
    listed = [spec.sources for spec in specs if spec.sources is not UNSET]
    if any(len(sources) > MAX_SOURCES for sources in listed):
        return False
    sources = [source for some in listed for source in some]
    if not all(map(_has_its_values, sources)) or any(len(spec.name) > LONGEST_NAME for spec in specs):
        return False
    files = [entry.files for entry in entries if entry.files is not UNSET]
    summaries = [entry.summary for entry in entries if entry.summary is not UNSET]
    counts = {source.chars for source in sources}.union(*(summary.values() for summary in summaries))
    texts: tuple[tuple[Kind, set[str | UnsetType]], ...] = (
        (ID, {name for entry in entries for name in (entry.engine_id, entry.job_id, entry.operation_id)}),
        (FINGERPRINT, {entry.fingerprint for entry in entries}),
        (TIME, {entry.provisioned_at for entry in entries}),
        (LINE, {spec.name for spec in specs}),
        (TEXT, {spec.description for spec in specs}),
        (LOCALE, {locale for spec in specs if spec.locales is not UNSET for locale in spec.locales}),
        (LINK, {source.payload for source in sources}),
        (DIGEST, {source.digest for source in sources}),
        (PATH, {source.file for source in sources}.union(*files)),
        (OBJECT_ID, {blob for some in files for blob in some.values()}),
        (COUNTED, {name for summary in summaries for name in summary}),
    )
    return all(map(is_count, counts - {UNSET})) and all(
        kind.accepts_all([value for value in values if value is not UNSET]) for kind, values in texts
    )


def _has_its_values(source: SourceValues) -> bool:
    if source.type == "link":
        return source.chars is source.digest is source.file is UNSET and source.payload is not UNSET
    return source.type == "content" and source.payload is UNSET and source.digest is not UNSET


def _is(kind: Kind, value: str | UnsetType) -> bool:
    return value is UNSET or kind.accepts(value)


def _has_no_top(entry: EntryValues) -> bool:
    texts = (entry.fingerprint, entry.job_id, entry.operation_id, entry.provisioned_at, entry.updated_at)
    return all(
        value is UNSET
        for value in (*texts, entry.revision, entry.updating, entry.files, entry.spec, entry.summary)
    )


def _are_rare_parts_sound(entry: EntryValues) -> bool:
    pending = entry.pending
    if pending is not UNSET and not (_is_pending(pending) and _can_be_waited_for(pending)):
        return False
    uncertain = () if entry.uncertain is UNSET else entry.uncertain
    superseded = () if entry.superseded is UNSET else entry.superseded
    outputs = () if entry.outputs is UNSET else entry.outputs
    pruning = {} if entry.pruning is UNSET else entry.pruning
    return (
        (entry.hold is UNSET or _is_hold(entry.hold))
        and all(one.status == UNCERTAIN and _is_pending(one) for one in uncertain)
        and all(map(_is_superseded, superseded))
        and len(outputs) <= MAX_OUTPUTS
        and all(map(_is_output, outputs))
        and all(map(ID.accepts, pruning))
        and all(map(TIME.accepts, pruning.values()))
    )


def _can_be_waited_for(pending: PendingValues) -> bool:
    return pending.status != IN_PROGRESS or bool(pending.job_id and pending.engine_id)


def _is_pending(one: PendingValues) -> bool:
    return (
        one.status in (IN_PROGRESS, FAILED, UNCERTAIN)
        and ID.accepts(one.operation_id)
        and FINGERPRINT.accepts(one.fingerprint)
        and _is_spec(one.spec)
        and _are_files(one.files)
        and _is(ID, one.engine_id)
        and _is(ID, one.job_id)
        and _is(ID, one.instead_of)
        and _is(LINE, one.because)
        and _is(TIME, one.submitted_at)
        and _is(LINE, one.error)
    )


def _is_hold(one: HoldValues) -> bool:
    return (
        ID.accepts(one.operation_id)
        and FINGERPRINT.accepts(one.fingerprint)
        and _is_spec(one.spec)
        and LINE.accepts(one.by)
        and TIME.accepts(one.since)
    )


def _is_superseded(one: SupersededValues) -> bool:
    return (
        (one.status is UNSET or one.status in (IN_PROGRESS, FAILED))
        and ID.accepts(one.engine_id)
        and FINGERPRINT.accepts(one.fingerprint)
        and TIME.accepts(one.replaced_at)
        and _is_spec(one.spec)
        and _are_files(one.files)
        and _is(ID, one.job_id)
        and _is(ID, one.operation_id)
        and _is(TIME, one.provisioned_at)
        and _is(TIME, one.submitted_at)
        and _is(TIME, one.updated_at)
        and _are_numbers(one.revision, one.updating)
        and _is(LINE, one.error)
        and _are_counts(one.summary)
    )


def _is_spec(spec: SpecValues) -> bool:
    """As `record.why_no_record`."""
    if not LINE.accepts(spec.name) or len(spec.name) > LONGEST_NAME or not _is(TEXT, spec.description):
        return False
    if spec.locales is not UNSET and not all(map(LOCALE.accepts, spec.locales)):
        return False
    sources = spec.sources
    return sources is UNSET or (len(sources) <= MAX_SOURCES and all(map(_is_source, sources)))


def _is_source(source: SourceValues) -> bool:
    return (
        _has_its_values(source)
        and _is(LINK, source.payload)
        and _is(DIGEST, source.digest)
        and _is(PATH, source.file)
        and (source.chars is UNSET or is_count(source.chars))
    )


def _is_output(output: OutputValues) -> bool:
    """As `lifecycle_options.read_lifecycle`."""
    either = (output.pointer is UNSET) is not (output.key is UNSET)
    named = OUTPUT_PATH.accepts(output.file) and _is(POINTER, output.pointer) and _is(VARIABLE, output.key)
    return either and named


def _are_files(files: Mapping[str, str] | UnsetType) -> bool:
    if files is UNSET:
        return True
    return all(map(PATH.accepts, files)) and all(map(OBJECT_ID.accepts, files.values()))


def _are_numbers(revision: int | UnsetType, updating: Sequence[int] | UnsetType) -> bool:
    return (revision is UNSET or is_number(revision)) and (
        updating is UNSET or (bool(updating) and all(map(is_number, updating)))
    )


def _are_counts(summary: Mapping[str, int] | UnsetType) -> bool:
    if summary is UNSET:
        return True
    return all(map(COUNTED.accepts, summary)) and all(map(is_count, summary.values()))
