"""The examples in docs/plan-output.md are what the program prints. `REWRITE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reconciler.core.errors import Diagnostic, ExitCode
from reconciler.render.data.json_view import render_error_json, render_plan_json
from reconciler.render.markdown.plan import render_plan_markdown
from reconciler.render.reports.annotations import render_plan_github
from reconciler.render.text.plan import render_plan
from tests.render.samples import DOCUMENTED, INVALID

PAGE = Path(__file__).parents[2] / "docs" / "plan-output.md"

_FOUND = [
    Diagnostic(
        "conflict marker", "engines.lock.json", 14, 1, "<<<<<<< HEAD", "keep one side whole, then run again"
    )
]
EXAMPLES = {
    "text": ("", render_plan(DOCUMENTED)),
    "invalid": ("", render_plan(INVALID)),
    "json": ("json", render_plan_json(DOCUMENTED, exit_code=0)),
    "error": (
        "json",
        render_error_json("the lockfile has conflict markers", None, _FOUND, ExitCode.INVALID),
    ),
    "markdown": ("markdown", render_plan_markdown(DOCUMENTED)),
    "github": ("", render_plan_github(DOCUMENTED)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_what_is_printed(name: str) -> None:
    info, shown = EXAMPLES[name]
    example = f"<!-- example: {name} -->\n````{info}\n{shown}\n````\n"
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("REWRITE_GOLDEN"):
        pattern = rf"<!-- example: {name} -->\n(````\w*\n.*?\n````\n)?"
        page = re.sub(pattern, lambda _: example, page, count=1, flags=re.DOTALL)
        PAGE.write_text(page, encoding="utf-8", newline="\n")
    assert example in page
