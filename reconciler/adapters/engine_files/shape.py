"""What a checked mapping is for as long as rules look at it, in the place of the model's classes."""

from __future__ import annotations


class Shape:
    """Its keys as attributes; the slots are what pydantic-core fills."""

    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
