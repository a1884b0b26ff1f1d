"""Which engines a command is about: those that `--only` names, or all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from reconciler.core.errors import UsageError


def select(only: Sequence[str], keys: Collection[str]) -> Callable[[str], bool]:
    """Which keys the patterns choose. Raises `UsageError` when one of them chooses none."""
    if not only:
        return lambda key: True
    from fnmatch import fnmatchcase

    chosen: set[str] = set()
    for pattern in only:
        matches = {key for key in keys if key == pattern or fnmatchcase(key, pattern)}
        if not matches:
            from reconciler.core.suggest import did_you_mean

            guess = did_you_mean(pattern, keys)
            raise UsageError(
                f"no engine matches `{pattern}`",
                hint=f"did you mean `{guess}`?"
                if guess
                else "use a key: the path under engines/ without suffix; `*` matches",
            )
        chosen |= matches
    return chosen.__contains__
