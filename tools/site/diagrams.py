"""Draws the diagrams of docs/ as pictures, for the site. GitHub draws them by itself, from the same text.

    npm pack mermaid@11 && tar xzf mermaid-11.*.tgz
    python tools/site/diagrams.py package/dist/mermaid.min.js

Needs Chromium. Run it after a change of a diagram; until then the site shows its text. A picture is named after the
text that it shows, and pictures of texts that are gone are removed.
"""

from __future__ import annotations

import hashlib
import html
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PAGE = """<!doctype html><meta charset="utf-8"><pre class="mermaid">{text}</pre><script src="{library}"></script>
<script>mermaid.initialize({{startOnLoad: true, theme: "neutral", htmlLabels: false,
flowchart: {{htmlLabels: false}}, deterministicIds: true}});</script>"""


def main(library: Path) -> None:
    pictures = {}
    for page in sorted(DOCS.rglob("*.md")):
        for text in _MERMAID.findall(page.read_text(encoding="utf-8")):
            pictures[f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.svg"] = text
    folder = DOCS / "diagrams"
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.svg"):
        if file.name not in pictures:
            file.unlink()
    for name, text in pictures.items():
        if not (folder / name).exists():
            (folder / name).write_text(_drawn(text, library), encoding="utf-8")
            print(folder / name)


def _drawn(text: str, library: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(
            _PAGE.format(text=html.escape(text), library=library.resolve().as_uri()), encoding="utf-8"
        )
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
        ]
        command += ["--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603
    found = re.search(r"<svg .*?</svg>", done.stdout, re.DOTALL)
    if found is None or "Syntax error" in found[0]:
        raise SystemExit(f"not drawn:\n{text}\n{done.stdout[-500:]}")
    picture = re.sub(r"<br>", "<br/>", found[0])
    white = 'style="background: white; padding: 8px; '
    return picture.replace('style="', white, 1) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
