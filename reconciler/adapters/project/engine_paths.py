"""Engines that are named by their files: people have the path at hand, from the shell's completion or an editor.

A word is only turned into a key where it cannot be one that is meant as it stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

SUFFIXES = (".yaml", ".yml")


def key_of(word: str, bases: Iterable[str], root: str, engines: str, environments: Iterable[str] = ()) -> str:
    """The key, or the pattern, for a word that may be a path as seen from one of the folders `bases`.

    `engines` is the folder of the engine files, relative to `root`. An overlay of one of the `environments` stands for
    its engine. `engines/shop/` stands for all engines in it.
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
            key = _without_suffix(inside) + ("/*" if word.endswith("/") else "")
            return _of_overlay(key, folder, environments)
    return word


def _of_overlay(key: str, folder: str, environments: Iterable[str]) -> str:
    """The engine, where the key would be that of an overlay of one of the environments."""
    for environment in environments:
        base = key.removesuffix(f".{environment}")
        if base != key and any(os.path.isfile(os.path.join(folder, base + suffix)) for suffix in SUFFIXES):
            return base
    return key


def _without_suffix(path: str) -> str:
    return next((path.removesuffix(suffix) for suffix in SUFFIXES if path.endswith(suffix)), path)
