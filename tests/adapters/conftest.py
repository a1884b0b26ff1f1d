from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.adapters.far_ends import Certificate, make_certificate
from tests.adapters.git_far_end import copied_origin, new_origin


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


# ── a bare origin, made once and copied for each test ──────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def origin_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    new_origin(folder)
    return folder


@pytest.fixture
def origin(origin_to_copy: Path, tmp_path: Path) -> Path:
    return copied_origin(origin_to_copy, tmp_path)


# ── the sandbox platform ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(job_seconds=0.3)) as server:
        yield server


@pytest.fixture
def sandbox(shared: SandboxServer) -> Iterator[SandboxServer]:
    yield shared
    shared.faults.clear()
