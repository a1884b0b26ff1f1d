"""Hooks of MkDocs: what makes a site of docs/ without a second list of pages, and without a page that could be wrong.

The files in docs/ are written to be read on GitHub. So the navigation is README's list of pages; links that lead out of
docs/ go to the repository; diagrams, which GitHub draws by itself, are the pictures in docs/diagrams; and what the
program knows best about itself (commands, schemas, exit codes) comes from tools/site/reference.py.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "build/reference"
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
# Pages of the repository that are outside docs/, and what they are called here.
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "benchmarks/README.md": "benchmarks.md",
}
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_GROUP = re.compile(r"^\*\*(?P<name>[^*]+)\*\*:(?P<links>.*?)(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    config.site_url = URLS["Documentation"]
    config.nav = _navigation()
    return config


def _navigation() -> list[Any]:
    """The groups of README's list, in its order; pages that it lacks come last, in a group of their own."""
    listed = (
        (ROOT / "README.md")
        .read_text(encoding="utf-8")
        .partition("\n## Documentation\n")[2]
        .partition("\nLicensed")[0]
    )
    groups = {
        found["name"]: [
            (title, _page_of(target))
            for title, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", found["links"])
        ]
        for found in _GROUP.finditer(listed)
    }
    made = [(_title(file), f"reference/{file.name}") for file in sorted(REFERENCE.glob("*.md"))]
    groups["Reference"] = [*made, *groups["Reference"]]
    groups["Work on it"].append(("Changelog", "changelog.md"))
    known = {page for pages in groups.values() for _, page in pages} | {"index.md"}
    here = {
        file.relative_to(ROOT / "docs").as_posix(): file for file in sorted((ROOT / "docs").rglob("*.md"))
    }
    more = [(_title(file), page) for page, file in here.items() if page not in known]
    if more:
        groups["More"] = more
    nav: list[Any] = [{"Home": "index.md"}]
    return nav + [
        {name: [{title: page} for title, page in pages if page != "index.md"]}
        for name, pages in groups.items()
    ]


def _page_of(target: str) -> str:
    path = target.partition("#")[0]
    return OUTSIDE.get(path, path.removeprefix("docs/"))


def _title(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def on_files(files: Any, config: Any) -> Any:
    if not REFERENCE.is_dir():
        raise PluginError("there is no build/reference; run `make docs`")
    for file in sorted(REFERENCE.rglob("*")):
        if file.is_file():
            name = f"reference/{file.relative_to(REFERENCE).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(file)))
    for source, name in OUTSIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    source = next(
        (source for source, name in OUTSIDE.items() if name == page.file.src_uri), f"docs/{page.file.src_uri}"
    )
    text = _MERMAID.sub(lambda found: _picture(found[1], page), markdown)
    kept, end = [], 0
    for fence in [*_FENCE.finditer(text), None]:
        start = len(text) if fence is None else fence.start()
        kept.append(
            _LINK.sub(lambda found: found[1] + _led(found[2], source, page) + found[3], text[end:start])
        )
        if fence is not None:
            kept.append(fence[0])
            end = fence.end()
    return "".join(kept)


def _led(target: str, source: str, page: Any) -> str:
    """Where a link of this page leads on the site."""
    path, sign, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", path) or page.file.src_uri.startswith("reference/"):
        return target
    place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    inside = OUTSIDE.get(place) or (place.removeprefix("docs/") if place.startswith("docs/") else None)
    if inside is not None and (place in OUTSIDE or (ROOT / place).is_file()):
        return os.path.relpath(inside, posixpath.dirname(page.file.src_uri) or ".") + sign + anchor
    if not (ROOT / place).exists():
        raise PluginError(f"{source}: the link {target} leads nowhere")
    kind = "tree" if (ROOT / place).is_dir() else "blob"
    return f"{URLS['Repository']}/{kind}/main/{place}{sign}{anchor}"


def _picture(diagram: str, page: Any) -> str:
    digest = hashlib.sha256(diagram.encode()).hexdigest()[:16]
    name = f"diagrams/{digest}.svg"
    if not (ROOT / "docs" / name).is_file():  # tools/site/diagrams.py has not drawn it yet
        return f"```text\n{diagram}```"
    return (
        f"![Diagram: {_words(diagram)}]({os.path.relpath(name, posixpath.dirname(page.file.src_uri) or '.')})"
    )


def _words(diagram: str) -> str:
    """What a screen reader says of it."""
    return " ".join(re.sub(r"[^\w\s,.:()-]", " ", diagram).split())[:400]
