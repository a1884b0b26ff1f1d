"""`reconcile promote`: only what an environment tested gets into another one, and by edits that touch nothing else."""

from __future__ import annotations

import json

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import LINK, Project, Ran

LISTED = """\
environments:
  production: {}
  staging: {lockfile: s.lock.json}
  qa: {lockfile: q.lock.json}
"""
BASE = "# Acme\nname: Acme\n\n# Where\nlocales: [de, fr]  # both\n\n# Care\nlifecycle: {protect: true}\n"
OVERLAY = "# Japan\nlocales:\n  - de\n  - ja  # new\n"
S = ("--env", "staging")


@pytest.fixture
def staged(project: Project) -> Project:
    """`acme` has another list of locales in staging, which tested it."""
    (project.root / "reconcile.yaml").write_text(LISTED)
    project.engine("acme", BASE)
    project.engine("acme.staging", OVERLAY)
    project.run(*S, "apply", "--yes").ended(0)
    return project


def promote(project: Project, *words: str, key: str = "acme") -> Ran:
    return project.run("promote", key, "--from", "staging", "--to", "production", *words)


def text(project: Project, name: str) -> str:
    return (project.root / "engines" / name).read_bytes().decode()


def test_the_overlay_is_written_where_another_environment_reads_the_engine_file(staged: Project) -> None:
    before = staged.snapshot()
    shown = promote(staged, "--dry-run").ended(0, "created      engines/acme.production.yaml")
    assert "1 engine would be promoted from staging to production." in shown.out
    assert staged.snapshot() == before
    done = promote(staged).ended(0, "1 engine promoted from staging to production.")
    assert "reconcile --env production plan --only acme" in done.err
    assert "git add -- engines/acme.production.yaml && git commit" in done.err
    assert text(staged, "acme.production.yaml") == "locales:\n  - de\n  - ja  # new\n"
    assert (text(staged, "acme.yaml"), text(staged, "acme.staging.yaml")) == (BASE, OVERLAY)
    document = staged.run("--env", "production", "plan", "--format", "json", "--only", "acme").ended(0).json
    tested = json.loads((staged.root / "s.lock.json").read_text())["engines"]["acme"]
    assert [action["fingerprint"] for action in document["actions"]] == [tested["fingerprint"]]
    after = staged.snapshot()
    promote(staged).ended(0, "acme is the same in production")
    assert staged.snapshot() == after


def test_the_engine_file_is_written_where_that_changes_no_other_environment(staged: Project) -> None:
    staged.engine("acme.qa", "locales: [fr]\n")
    promote(staged).ended(
        0, "changed      engines/acme.yaml", "engines/acme.staging.yaml repeats engines/acme.yaml now"
    )
    assert text(staged, "acme.yaml") == BASE.replace(
        "locales: [de, fr]  # both\n", "locales:\n  - de\n  - ja  # new\n"
    )
    assert not (staged.root / "engines/acme.production.yaml").exists()
    staged.run(*S, "plan").ended(0, "No changes.")


def test_an_overlay_that_held_production_back_is_emptied_or_removed(staged: Project) -> None:
    staged.engine("acme", BASE)
    (staged.root / "engines/acme.staging.yaml").unlink()
    staged.run(*S, "apply", "--yes", "--allow-replace", "acme").ended(0)
    modeline = "# yaml-language-server: $schema=../schemas/overlay.schema.json\n"
    staged.engine("acme.production", f"{modeline}locales: [de]\n")
    promote(staged).ended(0, "removed      engines/acme.production.yaml")
    assert not (staged.root / "engines/acme.production.yaml").exists()
    staged.engine("acme.production", "# Ours, keep\nlocales: [de]\nlifecycle: {protect: null}\n")
    promote(staged).ended(0)
    assert text(staged, "acme.production.yaml") == "# Ours, keep\nlifecycle: {protect: null}\n"
    staged.engine("acme.production", "# Ours, keep\nlocales: [de]\n")
    promote(staged).ended(0)
    assert text(staged, "acme.production.yaml") == "# Ours, keep\n{}\n"
    assert text(staged, "acme.yaml") == BASE


def test_null_and_line_ends_are_promoted_as_they_are(staged: Project) -> None:
    staged.engine("acme", BASE + "description: Old\n")
    staged.engine("acme.staging", "description: null\nname: Acme 2\n")
    staged.run(*S, "apply", "--yes", "--allow-replace", "acme").ended(0)
    own = staged.root / "engines/acme.production.yaml"
    own.write_bytes(b"name: Acme P\r\noutputs: []\r\n")
    promote(staged).ended(0)
    assert own.read_bytes() == b"name: Acme 2\r\noutputs: []\r\ndescription: null\r\n"
    staged.run("--env", "production", "validate").ended(0)


@pytest.mark.parametrize(
    ("overlay", "own", "said"),
    [
        (
            "{locales: [de, ja]}\n",
            None,
            "engines/acme.staging.yaml does not have each field on lines of its own",
        ),
        (OVERLAY, "{name: P, locales: [de]}\n", "engines/acme.production.yaml does not have each field"),
    ],
)
def test_what_cannot_be_edited_by_lines_is_told(
    staged: Project, overlay: str, own: str | None, said: str
) -> None:
    staged.engine("acme.staging", overlay)
    if own is not None:
        staged.engine("acme.production", own)
    staged.run(*S, "apply", "--yes", "--allow-replace", "acme").ended(0)
    before = staged.snapshot()
    told = promote(staged).ended(6, said)
    assert 'in engines/acme.production.yaml, set `locales: ["de", "ja"]`' in told.out
    assert staged.snapshot() == before


def test_a_file_behind_a_link_is_not_edited(staged: Project) -> None:
    staged.engine("acme.qa", "locales: [fr]\n")
    (staged.root / "engines/beta.yaml").symlink_to("acme.yaml")
    promote(staged).ended(6, "engines/acme.yaml is a link, or others link to it")
    assert text(staged, "acme.yaml") == BASE


def test_what_was_not_tested_is_refused(staged: Project) -> None:
    before = staged.snapshot()
    promote(staged, key="shop/web").ended(0, "shop/web is the same in production")
    staged.engine("new")
    promote(staged, key="new").ended(
        6, "it is not recorded in staging", "reconcile --env staging apply --only new"
    )
    staged.engine("acme.staging", OVERLAY + "description: later\n")
    promote(staged).ended(
        6, "its files differ from what staging tested", "reconcile --env staging apply --only acme"
    )
    staged.engine("acme.staging", "locales: [xx_yy]\n")
    promote(staged).ended(3, "engines/acme.staging.yaml:1:11: error: `xx_yy`", "not valid in staging")
    (staged.root / "engines/new.yaml").unlink()
    staged.engine("acme.staging", OVERLAY)
    assert {name: one[1] for name, one in staged.snapshot().items()} == {
        name: one[1] for name, one in before.items()
    }


@pytest.mark.parametrize("job_seconds", [60.0])
def test_a_running_job_has_tested_nothing(project: Project) -> None:
    (project.root / "reconcile.yaml").write_text(LISTED)
    project.run(*S, "apply", "--yes", "--detach").ended(0)
    promote(project).ended(4, "its job has not completed", "reconcile --env staging collect --only acme")


def test_a_failed_an_uncertain_and_a_held_engine_have_tested_nothing(
    project: Project, platform: SandboxServer
) -> None:
    (project.root / "reconcile.yaml").write_text(LISTED)
    platform.faults.add("job", "fail=No credit", match="acme")
    platform.faults.add("create", "lost-answer", match="web")
    project.engine("held", "name: Held\n" + LINK)
    project.run(*S, "apply", "--yes", "--timeout", "5s", env={"RECONCILE_LOOKUP": "off"})
    promote(project).ended(1, "its job failed: No credit", "apply --retry-failed --only acme")
    promote(project, key="shop/web").ended(7, "the outcome of a create call is unknown")
    project.engine("held", "name: Held 2\n" + LINK)
    project.run(*S, "apply", "--yes", "--only", "held").ended(0)
    project.run(*S, "rollback", "held", "--yes").ended(0)
    promote(project, key="held").ended(6, "is held", "reconcile --env staging release held")
    several = promote(project, "--format", "json", key="*").ended(6).json
    assert [(one["key"], one["status"]) for one in several["engines"]] == [
        ("acme", "refused"),
        ("held", "refused"),
        ("shop/web", "refused"),
    ]
    assert several["exitCode"] == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme", "--from", "staging", "--to", "staging"), "name the same environment"),
        (("acme", "--from", "stagng", "--to", "production"), "did you mean `staging`?"),
        (("acme", "--from", "x", "--to", "production"), "--from x: the settings list no such environment"),
        (("acme", "--from", "staging", "--to", "prod"), "--to prod: the settings list no such environment"),
        (("nothing", "--from", "staging", "--to", "production"), "no engine matches `nothing`"),
        (("acme", "--from", "staging"), "--to"),
        (("--from", "staging", "--to", "production"), "KEY"),
        (("--env", "qa", "acme", "--from", "staging", "--to", "production"), "leave out --env"),
    ],
)
def test_words_that_cannot_be_meant(staged: Project, words: tuple[str, ...], said: str) -> None:
    staged.run("promote", *words).ended(64, said)


def test_an_engine_that_the_target_does_not_choose(staged: Project) -> None:
    (staged.root / "reconcile.yaml").write_text(
        LISTED.replace("production: {}", "production: {exclude: [acme]}")
    )
    promote(staged).ended(6, "it is not chosen for production")
    staged.run("promote", "acme", "--from", "production", "--to", "staging").ended(
        64, "`acme` is not chosen for production", "change `include` or `exclude`"
    )


def test_environments_without_a_list_cannot_promote(project: Project) -> None:
    promote(project).ended(64, "the settings list no such environment")


def test_a_promotion_that_was_cut_off_between_two_files_is_finished(staged: Project) -> None:
    """The engine file is written and the overlay is not: typed again, the rest follows, and nothing else changes."""
    staged.engine("acme.qa", "locales: [fr]\nname: Q\n")
    staged.engine("acme.production", "locales: [it]\n")
    staged.engine("acme.staging", OVERLAY + "name: Acme 2\n")
    staged.run(*S, "apply", "--yes", "--allow-replace", "acme").ended(0)
    own = staged.root / "engines/acme.production.yaml"
    kept = own.read_bytes()
    promote(staged).ended(0)
    written = text(staged, "acme.yaml")
    assert written != BASE
    assert not own.exists()
    own.write_bytes(kept)
    promote(staged).ended(0, "removed      engines/acme.production.yaml")
    assert text(staged, "acme.yaml") == written
    assert not own.exists()
