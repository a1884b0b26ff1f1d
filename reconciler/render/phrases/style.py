"""How a view looks on a terminal: colours as ANSI codes, and its signs, in Unicode or plain ASCII."""

from __future__ import annotations

from typing import Literal

from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Action, Condition, Kind

Style = Literal["green", "red", "yellow", "cyan", "magenta", "bold", "dim", "plain"]

_CODES: dict[Style, str] = {
    "green": "32",
    "red": "31",
    "yellow": "33",
    "cyan": "36",
    "magenta": "35",
    "bold": "1",
    "dim": "2",
}

_SIGNS: dict[Kind | Condition, tuple[str, str, Style]] = {
    Kind.CREATE: ("+", "+", "green"),
    Kind.REPLACE: ("±", "-/+", "yellow"),
    Kind.RECREATE: ("±", "-/+", "red"),
    Kind.UPDATE: ("~", "~", "yellow"),
    Kind.MOVE: ("→", "->", "cyan"),
    Kind.RESUME: ("↻", ">", "cyan"),
    Kind.RESTORE: ("↶", "<", "cyan"),
    Kind.DISCARD: ("×", "x", "yellow"),
    Kind.RETIRE: ("-", "-", "red"),
    Kind.DELETE: ("✗", "--", "red"),
    Kind.RECORD: ("=", "=", "cyan"),
    Kind.NONE: (" ", " ", "plain"),
    Condition.FAILED: ("!", "!", "red"),
    Condition.UNCERTAIN: ("?", "?", "magenta"),
    Condition.DRIFTED: ("≠", "!=", "yellow"),
}
_NARROWEST = 16  # cells of a wrapped text; with less a terminal may break it as it likes
_HELD: tuple[str, str, Style] = ("⊘", "#", "red")


@dataclass(frozen=True, slots=True)
class Look:
    """One choice of colour, character set and width; every sign that is not ASCII goes through it.

    `width` is a terminal's, in cells. None is for what is no terminal: there lines are searched and copied, so none is
    broken.
    """

    color: bool = False
    ascii_only: bool = False
    width: int | None = None

    def flowing(self, text: str, indent: int) -> list[str]:
        """One line of text as lines that fit where each begins at `indent`."""
        if self.width is None:
            return [text]
        from reconciler.core.display import wrapped  # for terminals only

        return wrapped(text, max(self.width - indent, _NARROWEST))

    def hanging(self, text: str, begins: int, hang: int) -> list[str]:
        """One line of text that is put at `begins` as lines that fit, those after the first indented by `hang`."""
        if self.width is None:
            return [text]
        from reconciler.core.display import hanging  # for terminals only

        return hanging(text, self.width, hang, begins)

    def paint(self, text: str, style: Style) -> str:
        code = _CODES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code and text else text

    def sign(self, action: Action) -> str:
        """The action's sign, padded so that the names after it stand in one column."""
        fancy, plain, _ = _look_of(action)
        return f"{plain:<3}" if self.ascii_only else fancy

    def written(self, text: str) -> str:
        """`text` in the character set of this look; foreign letters are spelled out where ASCII is wanted."""
        return text.encode("ascii", "backslashreplace").decode() if self.ascii_only else text

    def shown(self, text: str) -> str:
        """A whole view as it is printed: in this character set, in lines that fit."""
        if self.width is None:
            return self.written(text)
        from reconciler.core.display import fitted  # for terminals only

        return fitted(self.written(text), self.width)

    def within(self, indent: int) -> Look:
        """The look of what stands further in."""
        return self if self.width is None else Look(self.color, self.ascii_only, self.width - indent)

    @property
    def arrow(self) -> str:
        return "->" if self.ascii_only else "→"

    @property
    def ellipsis(self) -> str:
        return "..." if self.ascii_only else "…"

    @property
    def dot(self) -> str:
        return "-" if self.ascii_only else "·"


def style_of(action: Action) -> Style:
    """The colour an action is shown in, the same in every line that names it."""
    return _look_of(action)[2]


def _look_of(action: Action) -> tuple[str, str, Style]:
    return _HELD if action.guard is not None else _SIGNS[action.condition or action.kind]
