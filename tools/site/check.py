"""Looks at the built site as a browser would: it may ask no other host for anything, and can be searched.

    .venv/bin/python tools/site/check.py build/site

The policy in each page's head is what keeps a browser from it; here is found what it would have to keep it from.
"""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

# What makes a browser load something, by tag; links that a person follows are none.
_LOADS = {
    **dict.fromkeys(
        ("audio", "embed", "iframe", "img", "input", "source", "track", "video"), ("src", "srcset", "poster")
    ),
    "script": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "form": ("action",),
    "body": ("background",),
}
_LOADING_LINKS = {
    "dns-prefetch",
    "icon",
    "manifest",
    "modulepreload",
    "preconnect",
    "prefetch",
    "preload",
    "stylesheet",
}
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//|\s*(?:https?|ftp|wss?):", re.IGNORECASE)
_STYLE = re.compile(r"(?:@import\s*|url\(\s*)[\"']?([^\"')\s;]+)", re.IGNORECASE)
_POLICY = "default-src 'none'"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.policy = ""
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = _LOADS.get(tag, ())
        if tag == "link" and set(given.get("rel", "").lower().split()) & _LOADING_LINKS:
            names = ("href",)
        for name in names:
            self.loaded += (
                [part.strip() for part in given.get(name, "").split(",")]
                if name == "srcset"
                else [given.get(name, "")]
            )
        self.loaded += _STYLE.findall(given.get("style", ""))
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = given.get("content", "")
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loaded += _STYLE.findall(data)


def asked_of_others(name: str, text: str) -> list[str]:
    """What this file of the site would load from another host."""
    if name.endswith(".css"):
        loaded = _STYLE.findall(text)
    else:
        page = _Page()
        page.feed(text)
        loaded = page.loaded
        if name.endswith(".html") and _POLICY not in page.policy:
            return [f"{name}: has no policy that keeps other hosts out"]
    return [
        f"{name}: {one}" for one in loaded if _ELSEWHERE.match(one) and not one.lower().startswith("data:")
    ]


def main(site: Path) -> int:
    files = [file for file in sorted(site.rglob("*")) if file.suffix in (".html", ".css", ".svg")]
    wrong = [
        one
        for file in files
        for one in asked_of_others(file.relative_to(site).as_posix(), file.read_text("utf-8"))
    ]
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    found = {
        entry["location"].partition("#")[0] for entry in index["docs"] if "lockfile" in entry["text"].lower()
    }
    for page in ("how-it-works/", "reference/cli/"):
        if page not in found:
            wrong.append(f"a search for `lockfile` does not find {page}")
    print(
        "\n".join(wrong)
        or f"{len(files)} files ask no other host; {len(index['docs'])} entries can be searched"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
