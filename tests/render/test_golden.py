"""Every view of the sample plans, as files to look at. `REWRITE_GOLDEN=1 pytest tests/render` rewrites them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.core.plan.model import Plan
from reconciler.render.data.json_view import render_plan_json
from reconciler.render.markdown.plan import render_plan_markdown
from reconciler.render.reports.annotations import render_plan_github
from reconciler.render.text.plan import render_plan
from tests.render.samples import PLANS

GOLDEN = Path(__file__).with_name("golden")
VIEWS: dict[str, Callable[[Plan], str]] = {
    "txt": render_plan,
    "ascii.txt": lambda plan: render_plan(plan, ascii_only=True),
    "color.txt": lambda plan: render_plan(plan, color=True),
    "json": lambda plan: render_plan_json(plan, exit_code=3 if plan.invalid else 0),
    "md": render_plan_markdown,
    "github.txt": render_plan_github,
}
CASES = [
    (name, view) for name in PLANS for view in VIEWS if not (name == "large" and view not in ("txt", "md"))
]


@pytest.mark.parametrize(("name", "view"), CASES)
def test_view_is_as_recorded(name: str, view: str) -> None:
    path = GOLDEN / f"{name}.{view}"
    shown = VIEWS[view](PLANS[name]) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(shown, encoding="utf-8", newline="\n")
    assert shown == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    files = sorted(path.name for path in GOLDEN.iterdir() if path.is_file())
    assert files == sorted(f"{name}.{view}" for name, view in CASES)
