"""Our values against those that the standard library makes of the same declarations."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

import reconciler
from reconciler.core import frozen

Made = Any


def _declare(dataclass: Any, field: Any) -> tuple[Made, Made, Made]:
    """The same three classes with either kind of decorator: slots, a class that inherits, and one without slots."""

    @dataclass(frozen=True, slots=True)
    class Base:
        """A value."""

        kind: ClassVar[str] = "base"
        name: str
        counts: Mapping[str, int] = field(default_factory=dict)
        note: str | None = field(default=None, repr=False, compare=False)

        @property
        def loud(self) -> str:
            return self.name.upper()

    @dataclass(frozen=True, slots=True)
    class Derived(Base):
        extra: tuple[int, ...] = ()

    @dataclass(frozen=True)
    class Plain:
        first: int
        second: int = field(default=2, metadata={"help": "the second"})
        double: int = 0

        def __post_init__(self) -> None:
            object.__setattr__(self, "double", 2 * self.first)

    return Base, Derived, Plain


OURS = _declare(frozen.dataclass, frozen.field)
THEIRS = _declare(dataclasses.dataclass, dataclasses.field)
ARGUMENTS: tuple[tuple[int, tuple[Any, ...], dict[str, Any]], ...] = (
    (0, ("a",), {}),
    (0, ("a",), {"counts": {"x": 1}, "note": "n"}),
    (1, ("a", {}, None, (1, 2)), {}),
    (1, (), {"name": "b", "extra": (3,)}),
    (2, (1,), {}),
    (2, (1, 5), {}),
)


@pytest.mark.parametrize(("at", "words", "named"), ARGUMENTS)
def test_a_value_is_as_the_library_makes_it(at: int, words: Any, named: Any) -> None:
    kind = _declare(frozen.dataclass, frozen.field)[at]
    first = kind(*words, **named)  # which is filled in another way than those after it
    ours, theirs = kind(*words, **named), THEIRS[at](*words, **named)
    assert repr(first) == repr(theirs)
    assert first == ours
    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert type(ours).__match_args__ == type(theirs).__match_args__
    assert getattr(type(ours), "__slots__", None) == getattr(type(theirs), "__slots__", None)
    assert hasattr(ours, "__dict__") == hasattr(theirs, "__dict__")
    for copied in (copy.copy(ours), copy.deepcopy(ours), frozen.replace(ours), dataclasses.replace(ours)):
        assert copied == ours
        assert type(copied) is type(ours)


@pytest.mark.parametrize("words", [(), (1, 2, 3, 4, 5), ("a", "b", "c", "d", "e", "f")])
def test_wrong_arguments_are_refused_alike(words: Any) -> None:
    for ours, theirs in zip(_declare(frozen.dataclass, frozen.field), THEIRS, strict=True):
        for named in {}, {"name": 1, "first": 1}, {"unknown": 1}:
            with pytest.raises(TypeError) as refused:
                theirs(*words, **named)
            for _ in "first", "second":
                with pytest.raises(TypeError) as refused_here:
                    ours(*words, **named)
                assert str(refused_here.value) == str(refused.value)


def test_equal_values_are_equal_and_hash_alike() -> None:
    for base, derived, plain in (OURS, THEIRS):
        assert base("a", note="x") == base("a", note="y")
        assert base("a") != base("b")
        assert base("a") != derived("a")
        assert (base("a") == "a") is False
        assert len({plain(1), plain(1), plain(2)}) == 2
        assert plain.second == 2
        with pytest.raises(TypeError):
            hash(base("a"))  # a dict has no hash


def test_nothing_can_be_set() -> None:
    for kinds in (OURS, THEIRS):
        for value in (kinds[0]("a"), kinds[2](1)):
            name = dataclasses.fields(value)[0].name
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, name, 3)
            with pytest.raises(dataclasses.FrozenInstanceError):
                delattr(value, name)
    with pytest.raises(TypeError):
        frozen.dataclass(frozen=False)


def test_replacing_makes_another_value() -> None:
    value = OURS[1]("a")
    assert frozen.replace(value, name="b", extra=(1,)) == OURS[1]("b", extra=(1,))
    assert value.name == "a"
    with pytest.raises(TypeError):
        frozen.replace(value, nothing=1)
    theirs = THEIRS[1]("a")
    assert frozen.replace(theirs, name="b") == THEIRS[1]("b")


def _all_ours() -> list[Any]:
    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and "__frozen_fields__" in vars(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return list(found.values())


def test_every_value_of_the_package_can_be_made_as_it_says() -> None:
    """The initializers are written late; here all of them are, and must be what the library would have written."""
    kinds = _all_ours()
    assert len(kinds) > 60
    for kind in kinds:
        theirs = inspect.signature(dataclasses.make_dataclass(kind.__name__, _declared(kind), frozen=True))
        ours = inspect.signature(kind)
        assert [one.name for one in ours.parameters.values()] == list(theirs.parameters)
        assert [name for name, one in ours.parameters.items() if one.default is not one.empty] == [
            name for name, one in theirs.parameters.items() if one.default is not one.empty
        ], kind


def _declared(kind: Any) -> list[Any]:
    return [(one.name, one.type, one) for one in dataclasses.fields(kind)]


def test_a_value_of_the_package_can_be_pickled() -> None:
    from reconciler.core.engine.spec import Source, Spec

    spec = Spec("Acme", None, ("de",), (Source("content", "text"),))
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 - made in this line
