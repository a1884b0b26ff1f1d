"""The shape of a plan as JSON, as a pydantic model: it reads plan files, and the JSON Schema is generated from it.

`render/data/json_view.py` writes such documents without this module, since pydantic takes long to load; tests hold the
two together. What applying a plan depends on is checked when a file is read. The rest is for reading only
(`SkipValidation`): it is in the schema, and whatever a later version puts there keeps no plan from being applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from reconciler.adapters.storage.sources_model import EngineSources
from reconciler.core.engine.spec import MAX_OUTPUTS
from reconciler.core.errors import ExitCode, Severity
from reconciler.core.ledger.lease import MOST_SHARDS
from reconciler.core.plan.model import Condition, Origin
from reconciler.core.plan.model import Kind as ActionKind
from reconciler.core.values import (
    FINGERPRINT,
    ID,
    KEY,
    LINE,
    OUTPUT_PATH,
    PATH,
    POINTER,
    TEXT,
    VARIABLE,
    Kind,
)


def one_of(kind: type[Enum]) -> WithJsonSchema:
    """Its values, without the docstring, which is for those who read the code."""
    return WithJsonSchema({"enum": [member.value for member in kind]})


_STRING = WithJsonSchema({"type": "string"})
_COUNT = {"type": "integer", "minimum": 0}


def _kind(kind: Kind) -> AfterValidator:
    """The same validator as wherever else such a value is read."""

    def validated(value: str) -> str:
        if not kind.accepts(value):
            raise PydanticCustomError("reconcile_kind", "{what}", {"what": f"it must be {kind.what}"})
        return value

    return AfterValidator(validated)


Key = Annotated[str, _kind(KEY), _STRING]
Identifier = Annotated[str, _kind(ID), _STRING]
File = Annotated[str, _kind(PATH), _STRING]
Line = Annotated[str, _kind(LINE), _STRING]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Place = Annotated[int, Field(ge=1)]  # a line or a column
Does = Annotated[ActionKind, one_of(ActionKind)]
Texts = Annotated[list[str], Field(min_length=1)]
Flag = Annotated[bool, WithJsonSchema({"const": True})]  # left out when it is not set


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class View(Strict):
    """What is for reading may have more keys in a later version; they mean nothing for applying."""

    model_config = ConfigDict(extra="ignore")


class _Place(Strict):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["pointer"]}, {"required": ["key"]}]})

    file: Annotated[str, _kind(OUTPUT_PATH), _STRING] = Field(description="Relative to the project's root.")
    pointer: Annotated[str, _kind(POINTER), _STRING] | None = Field(
        None, description="A JSON Pointer into JSON or YAML."
    )
    key: Annotated[str, _kind(VARIABLE), _STRING] | None = Field(
        None, description="The variable in a .env file."
    )


class OutputPlace(_Place):
    pass


class OutputWrite(_Place):
    engine: str = Field(description="The key of the engine.")
    engineId: str = Field(description="The serving engine's ID, which belongs there.")


class ChangedText(View):
    """Instead of old and new: a text, by digest and length in characters."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["oldDigest"]}, {"required": ["newDigest"]}]}
    )

    file: str | None = None
    oldDigest: str | None = None
    oldChars: Count | None = None
    newDigest: str | None = None
    newChars: Count | None = None


_OLD_OR_NEW: JsonDict = {"anyOf": [{"required": ["old"]}, {"required": ["new"]}]}


class Change(View):
    """One difference. One per locale tag, per link and per text; `old` or `new` is missing where there is nothing on
    that side.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["content"], "not": _OLD_OR_NEW},
                {"not": {"required": ["content"]}, **_OLD_OR_NEW},
            ]
        }
    )

    field: Literal["name", "description", "locales", "sources", "protect", "outputs"]
    old: str | None = None
    new: str | None = None
    content: ChangedText | None = None


class Drift(View):
    """One difference between the lockfile and the platform; one per locale. A side is left out where there is nothing
    on it.
    """

    field: Literal["name", "description", "locales"]
    recorded: Annotated[str, _kind(TEXT), _STRING] | None = None
    platform: Annotated[str, _kind(TEXT), _STRING] | None = None


class ActionPart(View):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"if": {"properties": {"action": {"const": "move"}}}, "then": {"required": ["fromKey"]}},
                {"if": {"required": ["condition"]}, "then": {"properties": {"action": {"const": "none"}}}},
            ]
        }
    )

    key: Key = Field(description="The engine's name in the repository, e.g. `marketing/website`.")
    action: Does
    condition: Annotated[Condition, one_of(Condition)] | None = Field(
        None, description="Why an engine with action `none` is not just unchanged."
    )
    origin: SkipValidation[Annotated[Origin, one_of(Origin)] | None] = Field(
        None,
        description="With --base: this branch changes it, the base already did (merged, not applied yet), or "
        "another run is working on it.",
    )
    file: File | None = Field(
        None, description="Relative to the project's root; absent if the file was removed."
    )
    fromKey: Key | None = Field(None, description="For a move: the previous key.")
    reason: Annotated[str, _kind(TEXT), _STRING]
    hint: SkipValidation[str | None] = Field(None, description="What you can do, often an exact command.")
    changes: SkipValidation[list[Change]]
    drift: list[Drift] = Field(
        [],
        description="With --refresh: what the platform has of the serving engine that is not as in the lockfile.",
    )
    engineId: Identifier | None = Field(
        None,
        description="The engine the action is about: serving now (replace, retire, move, none), gone (recreate), "
        "switched to (restore), waited for (resume), dropped (discard).",
    )
    jobId: Identifier | None = None
    operationId: Identifier | None = None
    fingerprint: Annotated[str, _kind(FINGERPRINT), _STRING] | None = Field(
        None, description="Fingerprint of the requested spec."
    )
    insteadOf: Identifier | None = Field(
        None,
        description="The serving engine that the platform no longer has; with `because`, that learned from pages "
        "that changed.",
    )
    because: Literal["sources"] | None = Field(
        None, description="Why an engine is replaced by another one of the same configuration."
    )
    protect: Flag = Field(False, description="Whether the lockfile will mark the engine as protected.")
    outputs: list[OutputPlace] = Field(
        [],
        max_length=MAX_OUTPUTS,
        description="Other places for the engine ID, as the lockfile will record them.",
    )
    guard: Line | None = Field(
        None, description="Why the action is held back: it is not performed, and apply exits with 6."
    )


class Found(View):
    severity: Annotated[Severity, one_of(Severity)]
    message: str
    file: str | None = None
    line: Place | None = None
    col: Place | None = None
    excerpt: str | None = Field(None, description="The offending line.")
    hint: str | None = None
    key: str | None = None


class LockfilePart(View):
    path: File = Field(description="Relative to the project's root.")
    digest: Annotated[Digest | Literal["absent"], _STRING] = Field(
        description="Digest of lockfile and journal as read; `absent` if there was none."
    )
    unwritten: SkipValidation[Annotated[int, Field(ge=1)] | None] = Field(
        None,
        description="Entries known only to the journal because a run was interrupted; apply writes them.",
    )


class Failure(View):
    """Why there is no plan, or what failed besides it."""

    message: str
    hint: str | None = None


def counts(names: Iterable[str], **described: str) -> JsonSchemaValue:
    """The schema of an object that has a count under each of the names."""
    properties = {name: dict(_COUNT) for name in names}
    for name, description in described.items():
        properties[name] = {**_COUNT, "description": description}
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


_SUMMARY = counts(
    [
        *(kind.value for kind in ActionKind if kind is not ActionKind.NONE),
        *("unchanged", *(condition.value for condition in Condition), "guarded", "provisioningJobs"),
    ],
    guarded="Held back; not counted under their action.",
)


class Planned(View):
    """What a plan and an outcome have in common."""

    schemaVersion: Literal[1]
    environment: Line | None = None
    digest: Digest | None = Field(
        None, description="Digest of the plan's actions and of the lockfile it was made from."
    )
    lockfile: LockfilePart | None = None
    actions: list[ActionPart] = Field(
        description="Sorted by key. Unchanged engines are only counted, in the summary."
    )
    diagnostics: SkipValidation[list[Found]]
    summary: Annotated[dict[str, int], SkipValidation, WithJsonSchema(_SUMMARY)] = Field(
        description="Number of engines per action, and of provisioning jobs to create."
    )
    outputs: SkipValidation[Annotated[list[OutputWrite], Field(min_length=1)] | None] = Field(
        None,
        description="Places in other files whose ID is out of date; apply updates them.",
    )
    outputsNotWritable: SkipValidation[Texts | None] = Field(
        None,
        description="Why other such places cannot be written, in sentences; apply exits with 1 for them.",
    )
    sources: SkipValidation[Annotated[list[EngineSources], Field(min_length=1)] | None] = Field(
        None, description="With --check-sources: the state of the pages that serving engines learned from."
    )
    error: SkipValidation[Failure | None] = None
    exitCode: SkipValidation[Annotated[ExitCode, one_of(ExitCode)]]


class SplitPart(Strict):
    """In a plan for shards (`reconcile plan --shards N --out DIR`): what they have in common."""

    shards: Annotated[int, Field(strict=True, ge=1, le=MOST_SHARDS)] = Field(description="Number of shards.")
    run: Identifier = Field(description="Random: the same plan made twice is carried out twice.")


class ApplyPart(Strict):
    """In a plan file only (`reconcile plan --out FILE`): how `reconcile apply FILE` tells whether the plan still
    holds.
    """

    version: Literal[1]
    entries: dict[Key, Digest] = Field(
        description="Digests of what lockfile and journal record, by key, for every engine in the plan."
    )
    retryFailed: Flag = Field(False, description="The plan was made with --retry-failed.")
    refresh: Flag = Field(False, description="The plan was made with --refresh: applying it looks again.")
    fixDrift: Flag = Field(False, description="The plan was made with --fix-drift.")
    split: SplitPart | None = Field(None, description="The plan is carried out by several shards.")
    checkSources: Flag = Field(False, description="The plan was made with --check-sources.")


class PlanDocument(Planned):
    """What `reconcile plan --format json` prints and `reconcile plan --out` writes. Keys that have no value are left
    out; new keys may be added without a new schemaVersion.
    """

    model_config = ConfigDict(
        title="Reconcile plan",
        json_schema_extra={
            "dependentRequired": {"digest": ["environment", "lockfile"]},
            "anyOf": [{"required": ["digest"]}, {"required": ["error"]}],
        },
    )

    apply: ApplyPart | None = None


class ProjectPlanDocument(PlanDocument):
    """The plan of one project for one environment. Paths in it are relative to the project."""

    project: str = Field(
        description="The project's folder, from the repository's root; `.` is the root itself."
    )


class LeftOut(View):
    """A project that was seen and has no plan."""

    project: str
    reason: str


class PlansDocument(View):
    """What `reconcile plan --all-projects --format json` and `--all-environments` print. Keys that have no value are
    left out; new keys may be added without a new schemaVersion.
    """

    model_config = ConfigDict(title="Reconcile plans")

    schemaVersion: Literal[1]
    plans: list[ProjectPlanDocument] = Field(
        description="Sorted by project; environments as the settings list them."
    )
    summary: Annotated[dict[str, int], SkipValidation, WithJsonSchema(_SUMMARY)] = Field(
        description="Number of engines per action, and of provisioning jobs to create, of all plans together."
    )
    removed: Texts | None = Field(
        None, description="With --changed-since: folders that held a project, and no longer do."
    )
    skipped: Annotated[list[LeftOut], Field(min_length=1)] | None = None
    exitCode: Annotated[ExitCode, one_of(ExitCode)]
