"""The shape of what `apply --format json`, `collect --format json` and `--report` give: the plan and what became of it.

Nothing reads such a document here; the model is what its JSON Schema is generated from (`reconcile schema --outcome`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from reconciler.adapters.storage.plan_model import Does, Planned, Texts, View, counts, one_of
from reconciler.core.run.outcome import Status


class FoundEngine(View):
    engineId: str
    name: str
    sameName: bool = Field(description="Whether the name is exactly the one that was requested.")
    createdAt: str | None = None
    jobId: str | None = None


class Result(View):
    key: str
    action: Does = Field(description="As in the plan.")
    status: Annotated[Status, one_of(Status)] = Field(
        description="`done`: the lockfile matches the request. `running`: the next run waits for it. "
        "`guarded`: held back. `not_started`: nothing was created."
    )
    engineId: str | None = Field(None, description="The new one, if any.")
    previous: str | None = Field(None, description="The engine it replaced.")
    seconds: float | None = Field(
        None,
        ge=0,
        description="Seconds from its create call to the end of its job, if both were in this run.",
    )
    jobId: str | None = None
    operationId: str | None = None
    error: str | None = None
    hint: str | None = Field(None, description="What you can do, often an exact command.")
    file: str | None = Field(None, description="Relative to the project's root.")
    summary: dict[str, int] | None = Field(
        None, description="What the platform reports having created for the engine, e.g. `glossaryItems`."
    )

    found: list[FoundEngine] | None = Field(
        None, description="Unrecorded engines that a create call without an answer may have created."
    )
    lookedUp: Literal[True] | None = Field(
        None, description="The answer was lost; the engine was found by its name and adopted."
    )


class OutcomePart(View):
    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"haltedStatus": ["halted"]}})

    results: list[Result] = Field(description="Sorted by key; unchanged engines are only counted.")
    counts: Annotated[
        dict[str, int], WithJsonSchema(counts([*(status.value for status in Status), "unchanged"]))
    ]
    wrote: bool = Field(description="Whether the lockfile changed.")
    published: bool = Field(description="Whether it is on the remote branch.")
    interrupted: bool
    timedOut: bool
    detached: bool = Field(description="Did not wait for jobs, as requested.")
    halted: str | None = Field(None, description="Why creating stopped early.")
    haltedStatus: int | None = Field(None, description="The HTTP status of that answer.")
    unwritten: str | None = Field(
        None, description="Why the lockfile could not be written; the journal has everything."
    )
    unpublished: str | None = Field(None, description="Why the lockfile could not be published.")
    pullRequest: str | None = Field(None, description="URL of the pull request that publishes it.")
    outputsNotWritten: Texts | None = None
    lookupFailed: str | None = Field(None, description="Why engines of lost answers could not be looked up.")


class OutcomeDocument(Planned):
    """What `reconcile apply --format json` and `reconcile collect --format json` print, and what `--report` writes: the
    plan, and what became of it. Where no plan could be made there is no outcome. Keys that have no value are left out;
    new keys may be added without a new schemaVersion.
    """

    model_config = ConfigDict(
        title="Outcome of reconcile apply",
        json_schema_extra={
            "dependentRequired": {"digest": ["environment", "lockfile"], "outcome": ["digest"]},
            "anyOf": [
                {"required": ["outcome"]},
                {"required": ["error"]},
                {"properties": {"exitCode": {"const": 3}, "diagnostics": {"minItems": 1}}},
            ],
        },
    )

    outcome: OutcomePart | None = None
