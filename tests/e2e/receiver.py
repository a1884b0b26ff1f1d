"""The webhook receiver as a process of its own, which a test can take down and start again at the same address."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.inbox.port import Received
from reconciler.adapters.inbox.stores import store_at
from reconciler.core.settings.postgres_url import parse_postgres
from tests import github_fake
from tests.e2e.far_ends import Process, Project, wait_until

TOKEN = "token-for-this-test-only"
_LISTENING = re.compile(r"listening url=(\S+)")


class Receiver:
    """`inbox` is a file, or the address of a database; `url` is where webhooks are to go.
    Its log is kept, for looking for what must not be in it.
    """

    def __init__(self, project: Project, inbox: Path | str, secret: str) -> None:
        self._project = project
        self._secret = secret
        self.inbox = inbox
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = ""
        self._process: Process | None = None

    def start(self, *arguments: str, **more: str) -> None:
        words = ("webhook", "serve", "--listen", f"127.0.0.1:{self._port}", "--inbox", str(self.inbox))
        env = {"LINGO_WEBHOOK_SECRET": self._secret, "RECONCILE_INBOX_TOKEN": TOKEN} | more
        read, write = os.pipe()
        process = self._project.start(*words, *arguments, env=env, stdout=subprocess.DEVNULL, stderr=write)
        os.close(write)
        self._process = process
        self._reader = threading.Thread(target=self._read, args=(read,), daemon=True)
        self._reader.start()
        wait_until(lambda: _LISTENING.search(self.log) or process.poll() is not None, "the receiver listens")
        assert process.poll() is None, self.log

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8") as stream:
            for line in stream:
                self.log += line

    def kill(self) -> None:
        """As a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(30)
            self._reader.join()
        self.log = _LISTENING.sub("was listening", self.log)

    @property
    def port(self) -> int:
        return self._port

    def stop(self) -> int:
        """Ends it in good order, and returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        code = process.wait(30)
        self._reader.join()
        self.log = _LISTENING.sub("was listening", self.log)
        self._project.check_text(self.log)
        assert self._secret not in self.log
        assert TOKEN not in self.log
        return code

    def events(self) -> list[Received]:
        place = self.inbox if isinstance(self.inbox, Path) else parse_postgres(self.inbox)
        with contextlib.closing(store_at(place)) as store, store.existing() as inbox:
            return inbox.events_since(0, 1000)


@contextmanager
def receiver(
    project: Project, inbox: Path | str, secret: str, relay: str | None = None
) -> Iterator[Receiver]:
    """`relay` is the address of a local GitHub that everything is passed on to."""
    made = Receiver(project, inbox, secret)
    if relay is None:
        made.start()
    else:
        token = {"RECONCILE_RELAY_TOKEN": github_fake.TOKEN, "GITHUB_API_URL": relay}
        made.start("--relay", f"github:{github_fake.REPOSITORY}", **token)
    try:
        yield made
    finally:
        made.stop()
