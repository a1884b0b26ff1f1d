"""A sandbox platform for each test, and a git project that is set to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from tests.adapters.web.site import Site
from tests.e2e.far_ends import KEY, Project, end_what_runs
from tests.e2e.prune_world import Replaced, new_beside_origin
from tests.e2e.sources_world import HERE, RENEWED, Learning, learning_site
from tests.e2e.warm_start import WarmStart


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    end_what_runs()


@pytest.fixture(autouse=True, scope="session")
def _starts_warm() -> Iterator[None]:
    with WarmStart() as warm:
        Project.warm = warm
        yield
        Project.warm = None


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command is started as users start it, and loads what it needs by itself."""
    monkeypatch.setattr(Project, "warm", None)


@pytest.fixture
def job_seconds() -> float:
    """How long a job with sources runs. A test that needs another length is parametrized with it."""
    return 0.2


@pytest.fixture
def platform(job_seconds: float) -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(job_seconds=job_seconds, api_keys=(KEY,))) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """In a git repo, with one engine whose job takes a while and one that is ready at once."""
    made = Project(tmp_path / "repo", platform.url)
    made.git("init", "--quiet", "--initial-branch=main")
    made.engine("acme", running=True)
    made.engine("shop/web")
    yield made
    made.check_no_key_left()


@pytest.fixture
def with_origin(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """A repo on `main` without a commit, beside the bare origin that it is to follow."""
    made = new_beside_origin(tmp_path, platform.url)
    yield made
    made.check_no_key_left()


@pytest.fixture(scope="session")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Replaced:
    return Replaced(tmp_path_factory.mktemp("replaced"))


@pytest.fixture
def replaced_once(replaced: Replaced) -> Iterator[Project]:
    """A clone whose engine was replaced once, all of it published."""
    with replaced.again(1) as made:
        yield made


@pytest.fixture
def replaced_twice(replaced: Replaced) -> Iterator[Project]:
    with replaced.again(2) as made:
        yield made


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Project]:
    """Outside of git, with no platform: its address refuses connections."""
    made = Project(tmp_path / "folder", "http://127.0.0.1:9")
    made.engine("acme")
    yield made
    made.check_no_key_left()


@pytest.fixture
def site() -> Iterator[Site]:
    with learning_site() as made:
        yield made


@pytest.fixture
def learning(tmp_path: Path, platform: SandboxServer, site: Site) -> Iterator[Learning]:
    """In a git repo, with one engine that learns from the site, and is to be renewed."""
    made = Learning(tmp_path / "repo", platform.url)
    made.git("init", "--quiet", "--initial-branch=main")
    made.learns("acme", site.url(HERE, "/brand"), lifecycle=RENEWED)
    yield made
    made.check_no_key_left()
