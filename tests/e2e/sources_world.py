"""A site on this machine, and a project whose engines learn from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.adapters.web.site import Site, plain, running
from tests.e2e.far_ends import Project, Ran

HERE = "127.0.0.1"
TEXT = (
    "<p>Acme writes plainly and never shouts. Every text speaks to one reader, who is busy and knows the product.</p>"
    "<p>Use formal tone in German. The brand name is never translated, in no language and in no context at all.</p>"
    "<p>Numbers up to twelve are written as words in running text, and as digits in tables and prices.</p>"
)
SNEAKY = "::error::x\u202e ##[add-mask]y **b** <img src=x> @everyone [l](https://evil.example) <!-- --> </details> `a`"
EVIL = f"\x1b[2J\x1b]0;owned\x07 {SNEAKY}"


def html(text: str = TEXT, title: str = "Brand", more: str = "") -> str:
    return f"<html><head><title>{title}</title></head><body><nav>Home{more}</nav><main>{text}</main></body></html>"


@contextmanager
def learning_site() -> Iterator[Site]:
    """With a page about the brand, and one about tone."""
    with running() as made:
        made.pages[HERE, "/robots.txt"] = plain("User-agent: *\nAllow: /\n", media_type="text/plain")
        made.pages[HERE, "/brand"] = plain(html())
        made.pages[HERE, "/tone"] = plain(
            html(TEXT.replace("Acme", "The team").replace("shouts", "whispers"))
        )
        yield made


class Learning(Project):
    """A project whose engines learn from the site, and whose runs record that."""

    def environment(self, **more: str | None) -> dict[str, str]:
        ours = {"RECONCILE_PRIVATE_SOURCES": HERE, "RECONCILE_TRACK_SOURCES": "true"}
        return super().environment(**(ours | more))

    def learns(self, key: str, *urls: str, lifecycle: str = "") -> None:
        links = "".join(f"  - type: link\n    payload: {url}\n" for url in urls)
        self.engine(key, f"name: {key}\nsources:\n{links}{lifecycle}")

    def check(self, *arguments: str) -> Ran:
        return self.run("plan", "--check-sources", *arguments)

    def renewed(self, *arguments: str) -> Ran:
        """Applied, and recorded even where this machine is too busy for the run to do it."""
        ran = self.apply(*arguments).ended(0)
        self.run("sources", "--record").ended(0)
        return ran

    @property
    def recorded(self) -> Any:
        return json.loads((self.root / "engines.sources.json").read_text(encoding="utf-8"))["engines"]


RENEWED = "lifecycle:\n  refresh_sources: reprovision\n"
