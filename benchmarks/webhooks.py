"""How many signed deliveries a second a receiver takes on one core, each on disk before it is acknowledged.

Beside Debian's `webhook` (adnanh/webhook, Go) on the same core, which verifies an HMAC and stores nothing. `wrk` sends
from the other core: deliveries that are signed beforehand, all different, so none is a duplicate. Needs both programs
(`apt-get install wrk webhook`) and two cores; otherwise it says so. Only when asked for by name: `python -m benchmarks
webhooks`. The two are measured in turn, round after round, and compared within each round. On a shared machine neither
gets its whole core: then the CPU time of one delivery says more, beside the machine's pace.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import RECONCILE
from benchmarks.table import Row, verdict
from benchmarks.yardstick import pace
from reconciler.sandbox.signing import new_secret, signature

CONNECTIONS = 64
SECONDS = 8
ROUNDS = 3
MOST = 25_000  # deliveries a second that are made ready
TARGET_RATIO = 8
TARGET_P99 = 0.010
_TICKS = os.sysconf("SC_CLK_TCK")

_LUA = """
local at, ready, pause = 0, {}, tonumber(os.getenv("BENCH_PAUSE"))
for line in io.lines(os.getenv("BENCH_DELIVERIES")) do
  local path, id, moment, sig, body = line:match("^(%S+) (%S+) (%S+) (%S+) (.*)$")
  ready[#ready + 1] = wrk.format("POST", path, {
    ["host"] = "receiver", ["content-type"] = "application/json", ["webhook-id"] = id, ["webhook-timestamp"] = moment,
    ["webhook-signature"] = sig:gsub("_", " "), ["x-signature"] = sig }, body)
end
function request() at = at % #ready + 1; return ready[at] end
if pause > 0 then
  function delay() return math.floor(pause * (0.5 + math.random()) + math.random()) end
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


class Load(NamedTuple):
    """What one run of wrk came to; times in seconds, `cpu` is the server's share of its core."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


def rows(quick: bool) -> Iterator[Row]:
    missing = [name for name in ("wrk", "webhook", "taskset") if shutil.which(name) is None]
    if missing or len(os.sched_getaffinity(0)) < 2:
        why = f"{', '.join(missing)} not installed" if missing else "two cores are needed"
        yield Row("webhook deliveries on one core", f"not measured: {why}", "", "", "")
        return
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        yield from _compared(Path(folder), 2 if quick else SECONDS, 1 if quick else ROUNDS)


def _compared(folder: Path, seconds: int, rounds: int) -> Iterator[Row]:
    (folder / "send.lua").write_text(_LUA)
    measured = [_round(folder, seconds, number) for number in range(rounds)]
    ours, halves, theirs = (list(loads) for loads in zip(*measured, strict=True))
    ratio = statistics.median(mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True))
    mine, other = _median(ours), _median(theirs)
    name = f"Debian's webhook, stores nothing: {_shown(other)}; {ratio:.1f} x its rate"
    done = "ok" if ratio >= TARGET_RATIO else "over"
    yield Row("webhook deliveries, one core, each on disk", _shown(mine), name, f">= {TARGET_RATIO} x", done)
    half = min(halves, key=lambda load: load.p99)
    done = verdict(half.p99, half.p99, TARGET_P99)
    yield Row(
        "the same at half that rate",
        _shown(half),
        f"pace {pace():.2f} s; undisturbed: 0.11 s",
        f"p99 < {TARGET_P99 * 1000:.0f} ms",
        done,
    )


def _round(folder: Path, seconds: int, number: int) -> tuple[Load, Load, Load]:
    secret = new_secret()
    with _ours(folder / f"{number}.db", secret) as (process, url):
        full = _load(folder, process, url, _deliveries(folder, secret, seconds, f"{number}a"), seconds)
        stored = _stored(url)
        _check(stored, full)
        pause = CONNECTIONS / (full.rate / 2) * 1000
        half = _load(folder, process, url, _deliveries(folder, secret, seconds, f"{number}b"), seconds, pause)
    with _theirs(folder) as (process, url):
        peer = _load(folder, process, url, _deliveries(folder, None, seconds, "c", "/hooks/bench"), seconds)
    return full, half, peer


def _deliveries(folder: Path, secret: str | None, seconds: int, mark: str, path: str = "") -> Path:
    """A file of them, one a line. With no secret they are signed as Debian's webhook wants it."""
    file, moment = folder / "deliveries", int(time.time())
    with file.open("w") as lines:
        for number in range(MOST * seconds if secret else 20_000):
            job = f"pjb_{mark}{number:012}"
            body = json.dumps(
                {
                    "type": "provisioning.completed",
                    "jobId": job,
                    "engineId": f"eng_{number:016}",
                    "brandVoices": ["bv_1", "bv_2"],
                    "glossaryItems": ["gi_1", "gi_2", "gi_3"],
                    "instructions": ["in_1"],
                }
            )
            if secret is None:
                sign = "sha256=" + hmac.new(b"bench", body.encode(), hashlib.sha256).hexdigest()
            else:
                sign = signature(secret, f"msg_{job}", moment, body.encode())
            lines.write(f"{path or f'/{number:032x}'} msg_{job} {moment} {sign} {body}\n")
    return file


def _load(
    folder: Path, server: subprocess.Popen[bytes], url: str, file: Path, seconds: int, pause: float = 0.0
) -> Load:
    command = ["taskset", "-c", _cores()[1], "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    variables = {**os.environ, "BENCH_DELIVERIES": str(file), "BENCH_PAUSE": f"{pause:.3f}"}
    before = _cpu(server.pid)
    start = time.perf_counter()
    said = subprocess.run(
        [*command, "-s", str(folder / "send.lua"), url],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said nothing that can be read: {said}")
    requests, micros, p50, p99, errors = map(int, found.groups())
    cpu = (_cpu(server.pid) - before) / min(micros / 1e6, time.perf_counter() - start)
    return Load(requests / (micros / 1e6), p50 / 1e6, p99 / 1e6, cpu, errors)


@contextlib.contextmanager
def _ours(inbox: Path, secret: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    words = ["webhook", "serve", "--listen", f"127.0.0.1:{port}", "--inbox", str(inbox)]
    command = ["taskset", "-c", _cores()[0], RECONCILE, *words]
    with running(command, port, {"LINGO_WEBHOOK_SECRET": secret}) as process:
        yield process, f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _theirs(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A rule that verifies the signature and then wants what no delivery has: so it runs no command."""
    rule = {"type": "payload-hmac-sha256", "secret": "bench", "parameter": _header("X-Signature")}
    never = {"type": "value", "value": "never", "parameter": _header("X-Never")}
    hook = {
        "id": "bench",
        "execute-command": "/bin/true",
        "trigger-rule": {"and": [{"match": rule}, {"match": never}]},
    }
    (folder / "hooks.json").write_text(json.dumps([hook]))
    port = free_port()
    words = ["-hooks", str(folder / "hooks.json"), "-ip", "127.0.0.1", "-port", str(port)]
    with running(["taskset", "-c", _cores()[0], "webhook", *words], port, {}) as process:
        yield process, f"http://127.0.0.1:{port}"


def _header(name: str) -> dict[str, str]:
    return {"source": "header", "name": name}


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, variables: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.025)
    raise RuntimeError("the server did not start")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _stored(url: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics") as answer:  # noqa: S310 # on this machine
        found = re.search(r'outcome="stored"} (\d+)', answer.read().decode())
    return int(found[1]) if found else 0


def _check(stored: int, load: Load) -> None:
    """Every answer that was counted is a stored event; wrk leaves the last answers of each connection uncounted."""
    if load.errors or stored < load.rate * 0.99:
        raise RuntimeError(f"{load.errors} errors, {stored} stored: this was no load of good deliveries")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cores() -> tuple[str, str]:
    first, second = sorted(os.sched_getaffinity(0))[:2]
    return str(first), str(second)


def _median(loads: Sequence[Load]) -> Load:
    return sorted(loads, key=lambda load: load.rate)[len(loads) // 2]


def _shown(load: Load) -> str:
    times = f"p50 {load.p50 * 1000:.1f} ms, p99 {load.p99 * 1000:.1f} ms"
    return f"{load.rate:,.0f}/s, {times}, {load.cpu:.0%} of the core, {load.cpu / load.rate * 1e6:.0f} µs of CPU each"
