"""`reconcile import --all`: engines that nobody recorded, chosen on a terminal or by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.dashboard import made_elsewhere
from tests.e2e.far_ends import Project, Ran, terminal

Env = dict[str, str | None]


@pytest.fixture
def project(tmp_path: Path, platform: SandboxServer) -> Project:
    made = Project(tmp_path / "work", platform.url)
    made.git("init", "--quiet", "--initial-branch=main", "--template=")
    return made


@pytest.fixture
def mcp(platform: SandboxServer) -> Env:
    return {"RECONCILE_MCP_URL": f"{platform.url}/mcp"}


def by_name(project: Project, env: Env, *words: str, match: str = "*") -> Ran:
    return project.run("import", "--all", "--match", match, "--yes", *words, env=env)


def served(project: Project) -> dict[str, str]:
    return {key: entry["engineId"] for key, entry in project.lock["engines"].items()}


def test_engines_are_taken_by_their_names(project: Project, platform: SandboxServer, mcp: Env) -> None:
    acme, web, shop = made_elsewhere(platform, "Acme Corp", "Acme Web", "Shop")
    ran = by_name(project, mcp, match="Acme*").ended(0, f"acme-corp: {acme} imported")
    assert served(project) == {"acme-corp": acme, "acme-web": web}
    assert "git add engines.lock.json engines/acme-corp.yaml engines/acme-web.yaml && git commit" in ran.err
    project.run("plan", "--detailed-exitcode").ended(0)
    by_name(project, mcp).ended(0, f"shop: {shop} imported")
    by_name(project, mcp).ended(0, "No engines to import: 3 engines listed, all recorded.")
    assert platform.create_calls() == 3


def test_a_file_that_waits_for_an_engine_of_its_name_gets_it(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    [web] = made_elsewhere(platform, "Website")
    project.engine("marketing/site", "name: Website\nlocales: [de]\n")
    by_name(project, mcp).ended(0)
    assert served(project) == {"marketing/site": web}
    project.run("plan", "--detailed-exitcode").ended(0)


def test_what_cannot_be_imported_is_left_with_its_command(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    first, twin, odd, differs, fine = made_elsewhere(platform, "Acme", "Acme!", "***", "Blog", "Shop")
    project.engine("blog", "name: Blog\nlocales: [fr]\n")
    ran = by_name(project, mcp).ended(1, "4 engines not imported (1 imported):")
    assert served(project) == {"shop": fine}
    for engine in (first, twin, odd):
        assert f"reconcile import '<KEY>' {engine}" in ran.err
    assert f"reconcile import blog {differs} --as-is" in ran.err
    assert not (project.root / "engines/acme.yaml").exists()
    project.run("import", "acme", first).ended(0)
    ran = by_name(project, mcp, "--as-is").ended(1, "`acme` has an engine already", f"'<KEY>' {twin}")
    assert served(project) == {"acme": first, "blog": differs, "shop": fine}


def test_an_engine_of_a_lost_answer_is_for_resolve(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    project.engine("acme", "name: Acme\n")
    platform.faults.add("create", "lost-answer")
    project.run("apply", "--yes", env=mcp | {"RECONCILE_LOOKUP": "off"}).ended(7)
    by_name(project, mcp).ended(1, "got no answer may have created it", "reconcile resolve acme --find")
    assert "engineId" not in project.entry("acme")


def test_what_the_platform_does_not_describe_is_left(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    acme, shop = made_elsewhere(platform, "Acme", "Shop")
    platform.faults.add("engine", "status=404", match="Acme", times=None)
    ran = by_name(project, mcp).ended(
        1, "write engines/acme.yaml yourself", "1 engine not imported (1 imported)"
    )
    assert served(project) == {"shop": shop}
    assert f"reconcile import acme {acme}" in ran.err


def test_another_environments_engines_are_recorded(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    (project.root / "reconcile.yaml").write_text(
        "environments:\n  production: {}\n  staging: {lockfile: engines.staging.lock.json}\n"
    )
    acme, shop = made_elsewhere(platform, "Acme", "Shop")
    project.run("import", "acme", acme, "--env", "staging").ended(0)
    by_name(project, mcp).ended(0)
    assert served(project) == {"shop": shop}


def test_what_is_in_the_way_of_a_file_is_told(project: Project, platform: SandboxServer, mcp: Env) -> None:
    acme, _ = made_elsewhere(platform, "Acme", "Shop")
    (project.root / "engines/shop.yaml").mkdir(parents=True)
    by_name(project, mcp).ended(1, "1 engine not imported (1 imported)", "is not an engine file")
    assert served(project) == {"acme": acme}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (("--all",), {}, 64, "there is no terminal"),
        (("--all", "--match", "*"), {}, 64, "use --match GLOB and --yes"),
        (("--all", "--yes"), {}, 64, "--yes needs --match GLOB"),
        (("--all", "acme"), {}, 64, "--all takes no KEY"),
        (("--all", "--from", "i18n.json"), {}, 64, "--all takes no KEY"),
        (("--match", "*", "acme", "eng_1"), {}, 64, "--match goes with --all"),
        (("--yes", "acme", "eng_1"), {}, 64, "--yes goes with --all"),
        ((), {}, 64, "give a KEY and the engine's ID, or --all"),
        (("--all", "--match", "x*", "--yes"), {}, 64, "no unrecorded engine has a name like `x*`"),
        (("--all", "--match", "acme", "--yes"), {}, 64, "their names are Acme"),
        (("--all", "--match", "*", "--yes"), {"LINGO_API_KEY": None}, 3, "no API key"),
        (("--all", "--match", "*", "--yes"), {"RECONCILE_MCP_URL": None}, 64, "set RECONCILE_MCP_URL"),
        (("--all", "--match", "*", "--yes"), {"RECONCILE_MCP_URL": "http://127.0.0.1:9"}, 1, "refuses"),
        (("--all", "--match", "[", "--yes"), {}, 64, "no unrecorded engine has a name like `[`"),
    ],
)
def test_what_is_refused(
    project: Project,
    platform: SandboxServer,
    mcp: Env,
    arguments: tuple[str, ...],
    env: Env,
    code: int,
    said: str,
) -> None:
    made_elsewhere(platform, "Acme")
    project.run("import", *arguments, env=mcp | env).ended(code, said)
    assert not project.lockfile.exists()


# ── on a terminal ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_chooses_by_numbers(project: Project, platform: SandboxServer, mcp: Env) -> None:
    blog, shop, web = made_elsewhere(platform, "Blog", "Shop", "Web")
    with terminal(project, "import", "--all", **mcp) as there:
        there.read(until="empty for none): ")
        assert there.shown.index(blog) < there.shown.index(shop) < there.shown.index(web)
        there.say("1-x\n")
        there.read(until="is not a number")
        there.say("1, 3\n")
        assert there.end() == 0
    assert served(project) == {"blog": blog, "web": web}


@pytest.mark.parametrize("answer", ["", "none"])
def test_a_person_may_choose_none(project: Project, platform: SandboxServer, mcp: Env, answer: str) -> None:
    made_elsewhere(platform, "Blog")
    with terminal(project, "import", "--all", **mcp) as there:
        there.read(until="empty for none): ")
        there.say(f"{answer}\n")
        assert there.end() == 0
    assert not project.lockfile.exists()


def test_who_types_nonsense_three_times_gets_nothing(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    made_elsewhere(platform, "Blog")
    with terminal(project, "import", "--all", **mcp) as there:
        for answer in ("2", "b", "1-"):
            there.read(until="empty for none): ")
            there.shown, there._bytes = "", b""
            there.say(f"{answer}\n")
        assert there.end() == 64
    assert not project.lockfile.exists()


def test_what_matches_is_shown_and_asked_for(project: Project, platform: SandboxServer, mcp: Env) -> None:
    blog, _ = made_elsewhere(platform, "Blog", "Shop")
    with terminal(project, "import", "--all", "--match", "B*", **mcp) as there:
        there.read(until="Import 1 engine? [y/N]: ")
        there.say("y\n")
        assert there.end() == 0
    assert served(project) == {"blog": blog}


def test_a_file_that_differs_is_asked_about_and_no_is_no_failure(
    project: Project, platform: SandboxServer, mcp: Env
) -> None:
    blog, shop = made_elsewhere(platform, "Blog", "Shop")
    project.engine("blog", "name: Blog\nlocales: [fr]\n")
    with terminal(project, "import", "--all", **mcp) as there:
        there.read(until="empty for none): ")
        there.say("all\n")
        there.read(until="Import it as it is? [y/N]: ")
        there.say("n\n")
        assert there.end() == 0
        assert f"reconcile import blog {blog}" in there.shown
    assert served(project) == {"shop": shop}
