"""Environments in one project: overlays over engine files, and which engines each of them chooses."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.e2e.far_ends import Project, start_cold

LISTED = "environments:\n  production: {}\n  staging:\n    lockfile: s.lock.json\n"
S = ("--env", "staging")


@pytest.fixture
def both(project: Project) -> Project:
    """`acme` has an overlay for staging; everything is applied in both environments and committed."""
    (project.root / "reconcile.yaml").write_text(LISTED)
    project.engine("acme", "name: Acme\nlocales: [de, fr]\n")
    project.engine("acme.staging", "name: Acme (staging)\n")
    for name in ("production", "staging"):
        project.run("--env", name, "apply", "--yes").ended(0)
    project.commit("Both environments")
    return project


def lock(project: Project, name: str = "s.lock.json") -> dict[str, dict[str, object]]:
    engines: dict[str, dict[str, object]] = json.loads((project.root / name).read_text())["engines"]
    return engines


def test_the_sandbox_prints_what_this_environment_needs(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text(
        "environments: {production: {}, staging: {lockfile: s.lock.json, api_key_env: LINGO_API_KEY_STAGING}}\n"
    )
    project.engine("acme")
    project.run(*S, "apply", "--yes").ended(
        3, "set LINGO_API_KEY_STAGING", "run `reconcile --env staging sandbox`"
    )
    process = start_cold([*S, "sandbox", "--port", "0"], project.environment(), cwd=project.root)
    assert process.stdout is not None
    try:
        printed = "".join(process.stdout.readline().decode() for _ in range(5))
        variables = dict(re.findall(r"(\w+)=(\S+)", printed))
        assert "  reconcile --env staging\n" in printed
        env = {**variables, "LINGO_API_KEY": None}
        project.run(*S, "--yes", env=env).ended(0, "2 created")
    finally:
        process.terminate()
        project.finish(process)


def test_init_writes_the_schema_of_overlays_where_there_can_be_some(project: Project) -> None:
    file = project.root / "schemas/overlay.schema.json"
    project.run("init").ended(0)
    assert not file.exists()
    (project.root / "reconcile.yaml").write_text(
        "environments: {production: {}, qa: {lockfile: qa.lock.json}}\n"
    )
    project.run("init").ended(0, "created  schemas/overlay.schema.json")
    assert file.read_text() == project.run("schema", "--overlay").ended(0).out
    project.run("init").ended(0, "kept     schemas/overlay.schema.json")


def test_each_environment_has_its_own_content_under_one_key(both: Project) -> None:
    staging, production = lock(both), lock(both, "engines.lock.json")
    assert sorted(staging) == sorted(production) == ["acme", "shop/web"]
    assert staging["acme"]["spec"] == {"name": "Acme (staging)", "locales": ["de", "fr"]}
    assert production["acme"]["spec"] == {"name": "Acme", "locales": ["de", "fr"]}
    assert sorted(staging["acme"]["files"]) == ["engines/acme.staging.yaml", "engines/acme.yaml"]  # type: ignore[call-overload]
    assert list(production["acme"]["files"]) == ["engines/acme.yaml"]  # type: ignore[call-overload]
    for name in ("production", "staging"):
        assert (
            both.run("--env", name, "plan", "--detailed-exitcode")
            .ended(0)
            .out.startswith("No changes. 2 engines")
        )


def test_a_changed_added_or_removed_overlay_is_noticed(both: Project) -> None:
    overlay = both.root / "engines/acme.staging.yaml"
    overlay.write_text("name: Acme (staging)\nlocales: [ja]\n")
    said = both.run(*S, "plan", "--base", "HEAD").ended(0, "reason       acme.staging.yaml changed").out
    assert "file         engines/acme.yaml + engines/acme.staging.yaml" in said
    assert "this branch" not in both.run("plan", "--base", "HEAD").ended(0, "No changes.").out
    shown = both.run(*S, "plan", "--base", "HEAD", "--format", "github").ended(0).out
    assert "::notice file=engines/acme.staging.yaml,line=2," in shown
    overlay.unlink()
    both.run(*S, "plan", "--base", "HEAD").ended(
        0, "acme.staging.yaml removed", "name         Acme (staging) → Acme"
    )
    document = both.run(*S, "plan", "--base", "HEAD", "--format", "json").ended(0).json
    assert [action["origin"] for action in document["actions"]] == ["branch"]
    both.engine("shop/web.staging", "locales: [ja]\n")
    both.run(*S, "plan").ended(0, "web.staging.yaml added", "2 to replace")
    both.run("plan").ended(0, "No changes. 2 engines")


def test_an_overlay_that_ci_did_not_check_out_is_not_removed(both: Project) -> None:
    (both.root / "engines/acme.staging.yaml").unlink()
    both.run(*S, "plan", env={"CI": "true"}).ended(3, "not checked out: in git, but not in the work tree")


def test_a_base_that_is_gone_with_overlays_left_is_an_error(both: Project) -> None:
    (both.root / "engines/acme.yaml").unlink()
    for name in ("production", "staging"):
        refused = both.run("--env", name, "apply", "--yes").ended(3)
        assert "an overlay without its engine file: `acme` is recorded" in refused.out + refused.err
        assert "git rm -- engines/acme.staging.yaml" in refused.out + refused.err
    both.engine("acme.staging", "locales: [ja]\n")  # no engine by itself, which is not what is wrong with it
    both.run("plan").ended(3, "1 error in 1 file.")
    (both.root / "engines/acme.staging.yaml").unlink()
    both.run("plan").ended(0, "1 to retire")


def test_an_engine_that_became_an_overlay_is_not_retired_by_itself(project: Project) -> None:
    project.engine("acme.staging", "name: An engine\n")
    project.apply().ended(0)
    assert "acme.staging" in project.lock["engines"]
    (project.root / "reconcile.yaml").write_text(LISTED)
    held = project.apply().ended(6, "engines/acme.staging.yaml became the overlay of `acme`")
    assert "git mv -- engines/acme.staging.yaml engines/acme-staging.yaml" in held.out + held.err
    assert "acme.staging" in project.lock["engines"]
    engine = project.lock["engines"]["acme.staging"]["engineId"]
    (project.root / "engines/acme.staging.yaml").rename(project.root / "engines/acme-staging.yaml")
    project.apply().ended(0)
    assert project.lock["engines"]["acme-staging"]["engineId"] == engine


def test_that_engine_is_retired_where_it_is_named(project: Project) -> None:
    project.engine("acme.staging", "name: An engine\n")
    project.apply().ended(0)
    (project.root / "reconcile.yaml").write_text(LISTED)
    project.apply("--allow-retire", "acme.staging").ended(0)
    assert "acme.staging" in project.lock["retired"]


def test_an_environment_that_is_no_longer_listed_leaves_no_overlay_unnoticed(both: Project) -> None:
    (both.root / "reconcile.yaml").write_text("lockfile: s.lock.json\n")
    said = both.run(*S, "plan").ended(0).out
    assert "acme.staging.yaml removed" in said
    assert "+ acme.staging will be created" in said
    assert "an engine of its own: the settings list no environment `staging`" in said


def test_errors_name_the_overlay_in_every_report(both: Project) -> None:
    both.engine("acme.staging", "name: A\nlocales: [de, xx_yy]\n")
    both.run("validate").ended(3, "engines/acme.staging.yaml:2:15: error: `xx_yy`")
    both.run("--env", "production", "validate").ended(0, "2 engine files valid")
    both.run("validate", "engines/acme.staging.yaml", "--format", "github").ended(
        3, "::error file=engines/acme.staging.yaml,line=2,col=15"
    )
    sarif = both.run(*S, "plan", "--format", "sarif").ended(3).json
    (result,) = sarif["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "engines/acme.staging.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 15}
    both.run("plan").ended(0, "No changes.")
    both.engine("acme.staging", "name: A\n")
    both.run("validate").ended(0, "2 engine files valid in 2 environments")


def test_an_overlay_can_be_named_by_its_path(both: Project) -> None:
    both.engine("acme.staging", "name: Acme 2\n")
    both.engine("shop/web", "name: Other\n")
    both.run(*S, "plan", "--only", "engines/acme.staging.yaml").ended(0, "1 to replace")
    both.run("import", "shop/web.staging", "eng_X1y2Z3a4B5c6D7e8").ended(64, "is the name of an overlay")


def test_an_engine_that_is_not_chosen_any_more_stays(both: Project) -> None:
    (both.root / "reconcile.yaml").write_text(f"{LISTED}    include: [acme]\n")
    both.engine("shop/web", "name: Changed\n")
    before = lock(both)["shop/web"]
    told = both.run(*S, "apply", "--yes").ended(0)
    assert "`shop/web` is recorded and no longer chosen for `staging`" in told.out + told.err
    assert lock(both)["shop/web"] == before
    both.run("plan").ended(0, "1 to replace")
    both.run(*S, "apply", "--yes", "--allow-retire", "shop/web").ended(0)
    assert sorted(lock(both)) == ["acme"]
    (both.root / "reconcile.yaml").write_text(f"{LISTED}    exclude: ['*']\n")
    both.run(*S, "apply", "--yes").ended(3, "no engine in engines/ is chosen for the environment `staging`")
    assert sorted(lock(both)) == ["acme"]
    both.run("plan", env={"RECONCILE_INCLUDE": "acme, shop/*"}).ended(0, "1 to replace")


def test_a_file_that_moves_to_where_none_is_chosen_takes_no_engine_away(both: Project) -> None:
    settings = f"on_removed: delete\n{LISTED}    exclude: ['off/*']\n"
    (both.root / "reconcile.yaml").write_text(settings)
    before = lock(both)["shop/web"]
    (both.root / "engines" / "off").mkdir()
    both.git("mv", "engines/shop/web.yaml", "engines/off/web.yaml")
    told = both.run(*S, "apply", "--yes").ended(0, "No changes.")
    assert "`shop/web` (now engines/off/web.yaml) is recorded and no longer chosen" in told.out
    assert lock(both)["shop/web"] == before
    both.engine("web2", (both.root / "engines/off/web.yaml").read_text())
    both.run(*S, "plan").ended(0, "web2 will move here from shop/web")
    both.run("plan", "--only", "off/*").ended(0, "off/web will move here from shop/web")
    (both.root / "engines" / "web2.yaml").unlink()
    both.run(*S, "plan", "--allow-retire", "shop/web").ended(0, "Plan: 1 to delete")


def test_an_engine_that_is_not_chosen_stays_when_its_file_goes(both: Project) -> None:
    (both.root / "reconcile.yaml").write_text(f"{LISTED}    exclude: ['shop/*']\n")
    (both.root / "engines" / "shop" / "web.yaml").unlink()
    told = both.run(*S, "plan").ended(0, "No changes.")
    assert "`shop/web` is recorded and no longer chosen" in told.out
    both.run("plan").ended(0, "Plan: 1 to retire")
    both.run(*S, "apply", "--yes", "--allow-retire", "shop/web").ended(0)
    assert sorted(lock(both)) == ["acme"]


def test_an_engine_that_another_lockfile_has_is_not_changed_in_place_by_itself(both: Project) -> None:
    (both.root / "reconcile.yaml").write_text(f"metadata_changes: in_place\n{LISTED}")
    both.engine("acme.staging", "name: Acme (tests)\n")
    both.run(*S, "plan").ended(0, "Plan: 1 to update in place")
    (both.root / "s.lock.json").write_text((both.root / "engines.lock.json").read_text())
    held = "acme would be updated, but is held back: engines.lock.json has"
    both.run(*S, "apply", "--yes").ended(6, held, "--env staging apply --allow-replace acme")
    both.run(*S, "plan", "--allow-replace", "acme").ended(0, "Plan: 1 to update in place")
    shutil.copytree(both.root, both.root / "copy", ignore=lambda _, names: {".git"}.intersection(names))
    (both.root / "engines.lock.json").unlink()
    both.run("-C", "copy", *S, "plan").ended(0, "held back: copy/engines.lock.json has")


def test_no_id_is_written_to_what_another_environment_has(project: Project) -> None:
    listed = "environments:\n  production: {engines: prod}\n  staging: {lockfile: conf/app.json}\n"
    (project.root / "reconcile.yaml").write_text(listed)
    place = "outputs:\n  - {file: FILE, pointer: /engines/acme/engineId}\n"
    for file, said in {
        "CONF/app.json": "`CONF/app.json` is the lockfile of another environment",
        "engines/acme.yaml": "`engines/acme.yaml` is read by reconcile itself",
    }.items():
        (project.root / "prod").mkdir(exist_ok=True)
        (project.root / "prod/acme.yaml").write_text(f"name: Acme\n{place.replace('FILE', file)}")
        project.run("--env", "production", "plan").ended(3, said)


@pytest.mark.parametrize("job_seconds", [60.0])
def test_the_job_of_an_engine_that_is_not_chosen_any_more_is_finished(project: Project) -> None:
    project.apply("--detach").ended(0, "1 still running")
    (project.root / "reconcile.yaml").write_text("exclude: [acme]\n")
    project.run("plan").ended(0, "its job was still running", "Plan: 1 to resume")


@pytest.mark.parametrize(
    "text",
    [
        "include: []",
        "include: [7]",
        "include: ['']",
        "exclude: ['../x']",
        "include: {a: b}",
        "exclude: /engines/a",
    ],
)
def test_patterns_that_are_none_are_refused(project: Project, text: str) -> None:
    (project.root / "reconcile.yaml").write_text(f"{text}\n")
    refused = project.run("plan").ended(3)
    assert "reconcile.yaml:1:" in refused.out + refused.err


def test_a_pattern_that_matches_nothing_is_named(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text("exclude: [shopp/*]\n")
    project.run("plan").ended(0, "warning: the pattern `shopp/*` of `exclude` matches no engine")
