"""`@dataclass(frozen=True, slots=True)` that costs little where nobody makes such a value.

The standard library's writes, compiles and runs six functions for each class when it is defined, half a millisecond of
them: a start of the command that imports sixty kinds of values and makes ten pays for sixty. Here a class gets its
`__init__` when the second value is made, and comparing, hashing and showing is the same code for all.

To type checkers these *are* the standard library's; `dataclasses.fields`, `asdict` and `replace` take the values, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

_ALL = "__frozen_fields__"  # where a class keeps what is known of its fields, those of its bases first


def said_of(kind: type) -> Mapping[str, Mapping[str, Any]]:
    """The fields of a class, and what was said of each: `default`, `default_factory`, `metadata`."""
    said: Mapping[str, Mapping[str, Any]] = getattr(kind, _ALL)
    return said


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    from operator import attrgetter

    _MISSING = object()
    _set = object.__setattr__

    class _Field:
        """What was said of a field, by the words that `dataclasses.field` has for it."""

        __slots__ = ("words",)

        def __init__(self, words):
            self.words = words

    def field(**words):
        return _Field(words)

    def replace(value, /, **changes):
        for name in getattr(value, _ALL, ()) or _fields_of_the_library(value):
            if name not in changes:
                changes[name] = getattr(value, name)
        return value.__class__(**changes)

    def dataclass(*, frozen, slots=False):
        if not frozen:
            raise TypeError("these are values; whatever changes takes the standard library's")
        return _with_slots if slots else _finished

    def _with_slots(cls):
        """The class once more: slots must be known when it is made, and defaults would be in their way."""
        own = _own(cls)
        rest = ("__dict__", "__weakref__", *own)
        content = {name: value for name, value in cls.__dict__.items() if name not in rest}
        content["__slots__"] = tuple(own)
        made = type(cls)(cls.__name__, cls.__bases__, content)
        made.__qualname__ = cls.__qualname__
        return _finished(made, cls)

    def _own(cls):
        return [name for name, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]

    def _finished(cls, declared=None):
        said = (declared or cls).__dict__
        known = {}
        for base in cls.__mro__[-1:0:-1]:
            known.update(base.__dict__.get(_ALL, ()))
        for name in _own(cls):
            value = said.get(name, _MISSING)
            if type(value) is _Field:
                known[name] = value.words
                if declared is None:  # a plain class shows its defaults
                    _show_default(cls, name, value.words)
            else:
                known[name] = {} if value is _MISSING else {"default": value}
        compared = [name for name, words in known.items() if words.get("compare", True)]
        its = {
            **_SHARED,
            **_comparing(attrgetter(*compared) if compared else lambda value: ()),
            "__init__": _LateInit("__init__", cls, _initializer),
        }
        for name, method in its.items():
            if said.get(name) is None:  # a class that says `__eq__` has a `__hash__` of None
                setattr(cls, name, method)
        setattr(cls, _ALL, known)
        cls.__match_args__ = tuple(known)
        for name in ("__dataclass_fields__", "__dataclass_params__"):
            setattr(cls, name, _Late(name, cls, lambda cls, name=name: getattr(_twin(cls), name)))
        return cls

    def _show_default(cls, name, words):
        if "default" in words:
            setattr(cls, name, words["default"])
        else:
            delattr(cls, name)

    class _Late:
        """An attribute of a class that is made when it is first looked for."""

        __slots__ = ("cls", "make", "name")

        def __init__(self, name, cls, make):
            self.name, self.cls, self.make = name, cls, make

        def __get__(self, value, owner=None):
            made = self.make(self.cls)
            setattr(self.cls, self.name, made)
            return made.__get__(value, owner) if hasattr(made, "__get__") else made

    class _LateInit(_Late):
        """The first value is filled without an initializer: of many classes it is the only one."""

        __slots__ = ("filled_one",)

        def __get__(self, value, owner=None):
            if not isinstance(value, self.cls) or hasattr(self, "filled_one"):
                return super().__get__(value, owner)
            self.filled_one = True
            return lambda *arguments, **named: _fill(value, self.cls, arguments, named)

    def _fill(value, cls, arguments, named):
        known = getattr(cls, _ALL)
        given = dict(zip(known, arguments, strict=False))
        wrong = (
            len(given) < len(arguments)
            or not given.keys().isdisjoint(named)
            or not named.keys() <= known.keys()
        )
        given.update(named)
        for name, words in known.items():
            if name in given:
                continue
            if "default_factory" in words:
                given[name] = words["default_factory"]()
            elif "default" in words:
                given[name] = words["default"]
            else:
                wrong = True
        if wrong:
            cls.__init__(value, *arguments, **named)  # which says what is wrong
            return
        for name in known:
            _set(value, name, given[name])
        if hasattr(cls, "__post_init__"):
            value.__post_init__()

    def _initializer(cls):
        """As the standard library writes it."""
        names = {"__name__": cls.__module__, "_set": _set, "_missing": _MISSING}
        parameters, lines = ["self"], []
        for name, words in getattr(cls, _ALL).items():
            given, value = name, name
            if "default_factory" in words:
                names[f"_{name}"] = words["default_factory"]
                given, value = f"{name}=_missing", f"_{name}() if {name} is _missing else {name}"
            elif "default" in words:
                names[f"_{name}"] = words["default"]
                given = f"{name}=_{name}"
            parameters.append(given)
            lines.append(f" _set(self, {name!r}, {value})\n")
        if hasattr(cls, "__post_init__"):
            lines.append(" self.__post_init__()\n")
        text = f"def __init__({', '.join(parameters)}):\n{''.join(lines) or ' pass'}"
        exec(text, names)  # noqa: S102 - the names of fields, and nothing from outside
        made = names["__init__"]
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _fields_of_the_library(value):
        from dataclasses import fields

        return [field.name for field in fields(value) if field.init]

    def _twin(cls):
        """The same class as the standard library makes it, for those who ask about fields."""
        import dataclasses

        fields = [(name, object, dataclasses.field(**words)) for name, words in getattr(cls, _ALL).items()]
        return dataclasses.make_dataclass(cls.__name__, fields, frozen=True)

    def _comparing(values):
        def __eq__(self, other):
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash(values(self))

        return {"__eq__": __eq__, "__hash__": __hash__}

    def _repr(self):
        shown = [name for name, words in getattr(self, _ALL).items() if words.get("repr", True)]
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({values})"

    def _refuse(self, name, value=None):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change field {name!r}")

    def _getstate(self):
        return [getattr(self, name) for name in getattr(self, _ALL)]

    def _setstate(self, state):
        for name, value in zip(getattr(self, _ALL), state, strict=True):
            _set(self, name, value)

    _SHARED = {
        "__repr__": _repr,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
    }
