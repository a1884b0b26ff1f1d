"""The shape of what a plan says of pages: a part, for reading only, of the JSON that `plan_model.py` describes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from reconciler.core.sources.news import State

_State = Annotated[State, WithJsonSchema({"enum": [state.value for state in State]})]
_Count = Annotated[int, Field(ge=0)]
_Place = Annotated[int, Field(ge=1)]  # a line or a column


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class TextDifference(_Part):
    """What changed in a page's main text since it was recorded, by sentence."""

    lost: list[str] = Field([], description="The first words of sentences that are gone.")
    gained: list[str] = Field([], description="Sentences that are new, cut at 300 characters.")
    more: _Count | None = Field(None, description="How many further sentences are in neither list.")


class LinkPart(_Part):
    """A page that the engine learned from. All but `url` and `state` of it is what the far end says."""

    url: str
    state: _State
    reason: str | None = None
    status: _Count | None = Field(None, description="The status of the last answer.")
    movedTo: str | None = Field(None, description="Where redirects lead.")
    movedForGood: bool = Field(False, description="Whether every redirect is permanent.")
    since: str | None = Field(
        None, description="When the page was recorded, with the text that the engine learned."
    )
    file: str | None = Field(None, description="Where the link stands: the engine file, or its overlay.")
    line: _Place | None = None
    col: _Place | None = None
    difference: TextDifference | None = None


class EngineSources(_Part):
    """The pages of one serving engine that has links."""

    key: str
    state: _State
    engineId: str
    file: str | None = None
    links: list[LinkPart]
    old: str | None = Field(None, description="That the engine is older than its `max_source_age`, in words.")
    refresh: Literal["reprovision"] | None = Field(None, description="Its file asks for a new engine.")
    held: str | None = Field(
        None, description="Why it is stale and not replaced, though its file asks for that."
    )
