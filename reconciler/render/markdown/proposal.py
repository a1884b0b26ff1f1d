"""The title and the body of the pull request that brings the lockfile to its branch.

Keys are names of files that anybody may have written, so they stand in a fence, or are made harmless.
"""

from __future__ import annotations

from reconciler.core.ledger.commit_messages import publish_message
from reconciler.core.lockfile.model import Lockfile
from reconciler.render.markdown.comment import link_to
from reconciler.render.markdown.escape import code_span, fenced
from reconciler.render.phrases.sanitize import sanitize, shorten

TITLE = "Record "  # what our titles begin with
_ROOM = 50_000  # bytes for the list; GitHub takes 65,536 characters
_LONGEST = 400  # characters of one line


def render_proposal(
    before: Lockfile, after: Lockfile, *, environment: str, lockfile: str, ledger: str, run_url: str | None
) -> tuple[str, str]:
    """Title, one line, and body, Markdown. `before` is what the branch has, `after` what is proposed."""
    subject, _, rest = publish_message(before, after, None, skip_ci=False).partition("\n\n")
    title = shorten(sanitize(f"{subject} ({environment})"), 200)
    lines = [sanitize(shorten(line, _LONGEST)) for line in rest.rstrip("\n").split("\n") if line]
    parts = [
        f"`reconcile` created or changed engines for {code_span(environment, 100)}, and this change records them in "
        f"{code_span(lockfile, 200)}:",
        fenced(lines, room=_ROOM, info="text"),
        "Applications see the new engine IDs when it is merged. Until then "
        f"{code_span(ledger, 200)} keeps them, so no run creates anything twice, and closing this loses "
        "nothing. Do not push to this branch: every run recreates it.",
    ]
    if run_url is not None and (link := link_to("run", run_url)):
        parts.append(f"<sub>{link}</sub>")
    return title, "\n\n".join(part for part in parts if part)
