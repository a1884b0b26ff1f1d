"""The far end of `warm_start`: it has everything imported, and forks a process for each command it is asked for.

Run as `python -m tests.e2e.warm_server DESCRIPTOR`, with a listening socket. Whoever connects sends the command's
standard streams as descriptors, and then the rest as JSON; the answer is two lines: the process's id at once, and its
exit code when it has ended, as `subprocess` counts it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import random
import re
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import reconciler

# What libraries import late, in most runs. Whatever is missing here a command imports by itself.
_LATE = """
_sha1 _sha256 anyio._backends._asyncio anyio._core._sockets anyio._core._streams anyio._core._tasks anyio._core._testing
anyio.lowlevel concurrent.futures.thread encodings.idna encodings.utf_8_sig git h11 httpcore pydantic.plugin
resource sniffio uvicorn.lifespan.on uvicorn.protocols.http.h11_impl yaml_rs zoneinfo
"""


def import_all() -> None:
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"  # as the program says before it imports GitPython
    ours = [module.name for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.")]
    for name in ours:
        if name != "reconciler.__main__":
            importlib.import_module(name)
    for name in _LATE.split():
        with suppress(ImportError):  # an extra that is not installed
            importlib.import_module(name)
    make_what_is_late()
    gc.collect()
    gc.freeze()  # so that no process writes to what all of them share


def make_what_is_late() -> None:
    """What a command makes when it first needs it: initializers of values, and patterns."""
    for one in gc.get_objects():
        if isinstance(one, type) and str(one.__module__).startswith("reconciler."):
            getattr(one, "__init__", None)  # to look for it makes it
        elif type(one).__name__ == "lazy_pattern":
            getattr(one, "fullmatch", None)  # the same
    for name, module in list(sys.modules.items()):
        for key, text in vars(module).items() if name.startswith("reconciler.") else ():
            if key.endswith("_PATTERN") and isinstance(text, str):
                re.compile(text)  # which keeps it


def serve(listening: socket.socket) -> NoReturn:
    running: dict[int, socket.socket] = {}
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([listening, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            report_ended(running)
        if listening in ready:
            caller, _ = listening.accept()
            pid = fork(caller)
            caller.sendall(b"%d\n" % pid)
            running[pid] = caller


def report_ended(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as caller, suppress(OSError):  # nobody may be there any more
                caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def fork(caller: socket.socket) -> int:
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    with caller.makefile("rb") as said:
        asked = json.loads(said.read())
    pid = os.fork()
    if pid == 0:
        become(streams, **asked)
    for stream in streams:
        os.close(stream)
    return pid


def become(streams: list[int], arguments: list[str], env: dict[str, str], folder: str) -> NoReturn:
    """As `exec` of the command would leave the process, but for what is imported. It never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    open_standard_streams()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    random.seed()
    sys.argv = ["reconcile", *arguments]
    try:
        code = run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 99
    os._exit(code)


def open_standard_streams() -> None:
    """As Python does where LANG is C.UTF-8. Those there are know what they were opened on."""
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def run() -> int:
    from reconciler.cli.main import entry

    try:
        entry()
    except SystemExit as ended:
        return int(ended.code or 0)


if __name__ == "__main__":
    listens = socket.socket(fileno=int(sys.argv[1]))
    import_all()
    with suppress(KeyboardInterrupt):  # of the tests
        serve(listens)
