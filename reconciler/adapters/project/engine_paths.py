"""Engines that are named by their files: people have the path at hand, from the shell's completion or an editor.

A word is only turned into a key where it cannot be one that is meant as it stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

SUFFIXES = (".yaml", ".yml")


def key_of(word: str, bases: Iterable[str], root: str, engines: str) -> str:
    """The key, or the pattern, for a word that may be a path as seen from one of the folders `bases`.

    `engines` is the folder of the engine files, relative to `root`. `engines/shop/` stands for all engines in it.
    """
    folder = os.path.join(os.path.realpath(root), *engines.split("/"))
    if not word.endswith((*SUFFIXES, "/")) and not word.startswith((f"{engines}/", "./", "../")):
        return word
    if any(os.path.isfile(os.path.join(folder, word + suffix)) for suffix in SUFFIXES):
        return word  # `a.yaml.yaml` has the key `a.yaml`
    for base in bases:
        inside = os.path.relpath(os.path.join(os.path.realpath(base), word), folder).replace(os.sep, "/")
        if inside == ".":
            return "*"
        if not inside.startswith("../") and inside != "..":
            return _without_suffix(inside) + ("/*" if word.endswith("/") else "")
    return word


def _without_suffix(path: str) -> str:
    return next((path.removesuffix(suffix) for suffix in SUFFIXES if path.endswith(suffix)), path)
