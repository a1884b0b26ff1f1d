"""What a watch shows and takes over HTTP: health, metrics, and push webhooks."""

from __future__ import annotations

import time
from collections.abc import Callable

from reconciler.adapters.receiver.log import ServeLog
from reconciler.adapters.receiver.replies import Reply, Request, metrics_page, reply, says
from reconciler.cli.watching.metrics import Metrics
from reconciler.core.watch.pushes import Followed, PushSecrets, judge

PUSH = "/push"
_READ = ("/healthz", "/readyz", "/metrics")


class Pages:
    """`late` is for how many seconds the loop is overdue, `ready` why it is not yet, None once it is. `nudge` makes it
    look at the remote."""

    def __init__(
        self,
        secrets: PushSecrets,
        metrics: Metrics,
        log: ServeLog,
        *,
        followed: Callable[[], Followed],
        late: Callable[[], float],
        unready: Callable[[], str | None],
        nudge: Callable[[], None],
    ) -> None:
        self._secrets = secrets
        self._metrics = metrics
        self._log = log
        self._followed = followed
        self._late = late
        self._unready = unready
        self._nudge = nudge

    async def __call__(self, request: Request) -> Reply:
        path, method = request.path, request.method
        if path == PUSH:
            return self._push(request) if method == "POST" else _only(b"POST")
        if path not in _READ:
            return says(404, "not found")
        if method not in ("GET", "HEAD"):
            return _only(b"GET")
        if path == "/healthz":
            late = self._late()
            return (
                says(503, f"the loop is {late:.0f} s overdue")
                if late > 0
                else reply(200, b'{"status": "ok"}')
            )
        if path == "/readyz":
            why = self._unready()
            return says(503, why) if why is not None else reply(200, b'{"status": "ready"}')
        return metrics_page(self._metrics.families())

    def _push(self, request: Request) -> Reply:
        answer = judge(request.headers, request.body, self._secrets, self._followed(), time.time())
        self._metrics.pushed(answer.outcome)
        level = "info" if answer.status < 400 else "warning"
        self._log.note(level, "push", outcome=answer.outcome, why=answer.message)
        if answer.looks:
            self._nudge()
        return says(answer.status, answer.message)


def _only(method: bytes) -> Reply:
    return says(405, f"only {method.decode()} is allowed here", [(b"allow", method)])
