"""Names of folders in a job's matrix, parts of it, patterns, and which projects a changed path touches."""

from __future__ import annotations

import pytest

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.project_list import (
    MOST_JOBS,
    Job,
    Listed,
    Skipped,
    chosen_by,
    is_vendored,
    jobs_of,
    part_of,
    refusal_in_jobs,
    tidied,
    touches,
)

HOSTILE = [
    "a\nb",
    "a\rb",
    "a\0b",
    "a\x1b[2Jb",
    "${{ github.token }}",
    "$(id)",
    "`id`",
    'q"uote',
    "q'uote",
    "back\\slash",
    "a;b",
    "a&&b",
    "a|b",
    "a>b",
    "a<b",
    "{{a}}",
    "a*",
    "a?",
    "!a",
    "-rf",
    "apps/-rf",
    "~root",
    "::set-output name=x::y",
    "##[group]",
    " a",
    "a /b",
    "a\u202eb",
    "a\u200bb",
    "a\u2028b",
    "a\udcffb",
    "x" * 4096,
    "é" * 201,
]
HARMLESS = [
    ".",
    "apps/web",
    "with space",
    "é",
    "😀",
    "👩‍👩‍👧",
    "app (legacy)",
    "[locale]",
    "日本語",
    "a.b_c-d+e@f,g=h#i%j",
    "x" * 400,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_means_something_elsewhere_makes_no_job(name: str) -> None:
    jobs, refused = jobs_of([Listed(name, ("production",)), Listed("ok", ("production",))])
    assert jobs == [Job("ok", "production")]
    assert [one.folder for one in refused] == [name]
    assert refused[0].reason.isprintable()


@pytest.mark.parametrize("name", HARMLESS)
def test_an_ordinary_name_makes_one(name: str) -> None:
    assert refusal_in_jobs(name) is None


def test_each_environment_has_a_job_and_a_broken_project_has_none() -> None:
    listed = [Listed("a", ("staging", "production")), Listed("b", error=InvalidInput("wrong"))]
    assert jobs_of(listed) == ([Job("a", "staging"), Job("a", "production")], [])


def test_names_that_ci_systems_take_for_one_make_one_job() -> None:
    jobs, refused = jobs_of([Listed(name, ("production",)) for name in ("Web", "apps/web", "web")])
    assert [job.project for job in jobs] == ["Web", "apps/web"]
    assert refused == [Skipped("web", "differs only in case from Web")]


def test_parts_hold_every_job_once() -> None:
    jobs = [Job(f"p{number}", "production") for number in range(600)]
    with pytest.raises(UsageError) as refused:
        part_of(jobs, None, MOST_JOBS)
    assert refused.value.message == "600 jobs are too many for one matrix, which takes 256"
    assert refused.value.hint == "make 3 matrices, with `--part 1/3` to `--part 3/3`"
    parts = [part_of(jobs, f"{number}/3", MOST_JOBS) for number in (1, 2, 3)]
    assert sorted(job for part in parts for job in part) == sorted(jobs)
    with pytest.raises(UsageError):
        part_of(jobs, "1/2", MOST_JOBS)
    assert part_of([], "2/2", MOST_JOBS) == []


@pytest.mark.parametrize("part", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/1000", "١/٢"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(UsageError):
        part_of([Job("a", "b")], part, MOST_JOBS)


@pytest.mark.parametrize(
    ("glob", "chosen", "others"),
    [
        ("apps/*", ["apps/web", "apps/api"], ["apps/web/inner", "apps", "."]),
        ("./apps/*/", ["apps/web"], ["apps/web/inner"]),
        ("apps/**", ["apps/web", "apps/web/inner"], ["apps", "docs"]),
        ("**", [".", "apps/web"], []),
        ("**/web", ["web", "apps/web", "a/b/web"], ["apps/website"]),
        (".", ["."], ["apps"]),
        ("apps/[!w]*", ["apps/api"], ["apps/web"]),
        ("apps/w?b", ["apps/web"], ["apps/wb", "apps/w/b"]),
        ("app/[locale]", ["app/[locale]", "app/l"], ["app/x"]),
        ("a.b", ["a.b"], ["axb"]),
        ("[", ["["], ["a"]),
    ],
)
def test_patterns_of_folders(glob: str, chosen: list[str], others: list[str]) -> None:
    globs = [tidied(glob)]
    assert [one for one in [*chosen, *others] if chosen_by(one, globs)] == chosen


@pytest.mark.parametrize("glob", ["", "/", "/etc", "..", "../x", "a/../b", "a\nb"])
def test_a_pattern_that_leads_out_is_refused(glob: str) -> None:
    with pytest.raises(UsageError):
        tidied(glob)


def test_vendored_folders_are_known_by_their_names() -> None:
    assert [one for one in ("node_modules/a", "x/vendor/y", ".venv/z", "a/.b") if not is_vendored(one)] == []
    assert [one for one in (".", "apps/vendors", "my_node_modules") if is_vendored(one)] == []


def test_a_changed_path_touches_files_folders_and_what_lies_below_it() -> None:
    changed = ["a/engines/x.yaml", "a/engines", "a/enginesX", "a/reconcile.yaml", "b/x", "sub", "su"]
    assert touches(changed, ["a/reconcile.yaml", "sub/glossary.md"], ["a/engines"]) == [
        "a/engines/x.yaml",
        "a/engines",
        "a/reconcile.yaml",
        "sub",
    ]
