from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from reconciler.core.errors import Diagnostic, InvalidInput, ReconcileError, UsageError
from reconciler.core.excerpt import Excerpt
from reconciler.core.settings.model import SETTINGS, Settings
from reconciler.core.settings.resolution import resolve


def findings(
    flags: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    file: Mapping[str, object] | None = None,
    **more: Any,
) -> tuple[Diagnostic, ...]:
    with pytest.raises(ReconcileError) as caught:
        resolve(flags or {}, env or {}, file, **more)
    return caught.value.diagnostics


def test_defaults() -> None:
    settings = resolve({}, {}, None)
    assert settings == Settings()
    assert settings.api_url == "https://api.lingo.dev"
    assert settings.timeout == 1800.0
    assert dict(settings.source_of) == dict.fromkeys(SETTINGS, "default")


def test_each_default_is_what_its_example_says() -> None:
    for setting in SETTINGS.values():
        value = setting.kind.parse(setting.example, True)
        assert setting.default is None or value == setting.default


def test_every_setting_has_its_own_variable_and_flag() -> None:
    assert SETTINGS["callback_url"].variable == "RECONCILE_CALLBACK_URL"
    assert SETTINGS["api_url"].variable == "LINGO_API_URL"
    assert SETTINGS["environment"].flag == "--env"
    assert SETTINGS["callback_url"].flag == "--callback-url"
    assert len({setting.variable for setting in SETTINGS.values()}) == len(SETTINGS)


def test_flag_before_variable_before_overlay_before_file_before_default() -> None:
    layers: list[tuple[str, Any]] = [
        ("default", {}),
        ("reconcile.yaml", {"file": {"concurrency": 2}}),
        (
            "reconcile.yaml, environments.production",
            {"file": {"concurrency": 2, "environments": {"production": {"concurrency": 3}}}},
        ),
        (
            "RECONCILE_CONCURRENCY",
            {
                "file": {"concurrency": 2, "environments": {"production": {"concurrency": 3}}},
                "env": {"RECONCILE_CONCURRENCY": "4"},
            },
        ),
        (
            "--concurrency",
            {
                "file": {"concurrency": 2, "environments": {"production": {"concurrency": 3}}},
                "env": {"RECONCILE_CONCURRENCY": "4"},
                "flags": {"concurrency": 5},
            },
        ),
    ]
    got = []
    for source, given in layers:
        settings = resolve(given.get("flags", {}), given.get("env", {}), given.get("file"))
        assert settings.source_of["concurrency"] == source
        got.append(settings.concurrency)
    assert got == [8, 2, 3, 4, 5]


def test_a_flag_that_was_not_given_and_an_empty_variable_do_not_count() -> None:
    settings = resolve({"concurrency": None}, {"RECONCILE_CONCURRENCY": " ", "LINGO_API_URL": ""}, None)
    assert settings == Settings()


def test_a_flag_that_is_no_setting_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        resolve({"concurency": 3}, {}, None)


def test_a_deprecated_variable_counts_where_the_new_one_is_not_set() -> None:
    old, new = {"LINGODOTDEV_API_URL": "https://old.example"}, {"LINGO_API_URL": "https://new.example"}
    file = {"api_url": "https://file.example"}
    chosen = resolve({}, old, file)
    assert (chosen.api_url, chosen.source_of["api_url"]) == ("https://old.example", "LINGODOTDEV_API_URL")
    assert resolve({}, old | new, file).source_of["api_url"] == "LINGO_API_URL"
    assert resolve({}, old | {"LINGO_API_URL": " "}, file).api_url == "https://old.example"
    (finding,) = findings(env={"LINGODOTDEV_API_URL": "ftp://x"})
    assert finding.message.startswith("LINGODOTDEV_API_URL must be a URL")


def test_text_is_read_in_flags_and_variables_but_numbers_stay_numbers_in_the_file() -> None:
    settings = resolve({"timeout": "90s"}, {"RECONCILE_CONCURRENCY": "12\n"}, None)
    assert (settings.timeout, settings.concurrency) == (90.0, 12)
    assert resolve({}, {}, {"timeout": "1h30m"}).timeout == 5400.0
    assert resolve({}, {}, {"timeout": 90}).timeout == 90.0
    (finding,) = findings(file={"concurrency": "12"})
    assert finding.message == "concurrency must be a whole number from 1 to 64"
    assert finding.hint == "write it without quotes"


@pytest.mark.parametrize("value", [0, 65, -1, 1.5, True, "many", [8], None])
def test_concurrency_has_limits(value: object) -> None:
    assert findings(file={"concurrency": value})[0].message.startswith("concurrency ")


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 604801, True, "8d", "soon", [], None])
def test_timeout_has_limits(value: object) -> None:
    assert findings(file={"timeout": value})[0].message.startswith("timeout ")


def test_a_setting_without_default_can_be_switched_off_in_an_overlay() -> None:
    file = {"callback_url": "https://h.example/x", "environments": {"production": {"callback_url": None}}}
    assert resolve({}, {}, file).callback_url is None
    file = {"callback_url": "https://h.example/x", "environments": {"production": None}}
    assert resolve({}, {}, file).callback_url == "https://h.example/x"


def test_the_environment_is_chosen_by_flag_then_variable_then_file() -> None:
    file = {
        "environment": "dev",
        "environments": {name: {"lockfile": f"{name}.json"} for name in ("dev", "staging", "live")},
    }
    assert resolve({}, {}, file).lockfile == "dev.json"
    assert resolve({}, {"RECONCILE_ENVIRONMENT": "staging"}, file).lockfile == "staging.json"
    chosen = resolve({"environment": "live"}, {"RECONCILE_ENVIRONMENT": "staging"}, file)
    assert (chosen.lockfile, chosen.environment) == ("live.json", "live")


def test_without_a_list_any_environment_will_do() -> None:
    assert resolve({"environment": "qa-1"}, {}, {"concurrency": 2}).environment == "qa-1"
    assert resolve({"environment": "qa-1"}, {}, {"environments": None}).environment == "qa-1"
    assert resolve({"environment": "qa-1"}, {}, {"environments": {}}).environment == "qa-1"


def test_with_a_list_an_unlisted_environment_is_an_error_naming_who_chose_it() -> None:
    file: dict[str, object] = {"environments": {"staging": None, "prod": {}}}
    with pytest.raises(UsageError) as usage:
        resolve({"environment": "stagin"}, {}, file)
    assert "--env (stagin)" in usage.value.diagnostics[0].message
    assert usage.value.diagnostics[0].hint == "did you mean `staging`?"

    (by_default,) = findings(file=file)
    assert "the default (production)" in by_default.message
    assert by_default.hint == "choose one of prod, staging with --env"

    (by_file,) = findings(file={"environment": "nowhere", **file}, place=somewhere)
    assert (by_file.file, by_file.line) == ("reconcile.yaml", 7)

    (by_variable,) = findings(env={"RECONCILE_ENVIRONMENT": "sk_live_1234"}, file=file)
    assert "RECONCILE_ENVIRONMENT" in by_variable.message
    assert "sk_live_1234" not in repr(by_variable)


@pytest.mark.parametrize(
    ("environments", "words"),
    [
        ({"production": {}, "staging": {"concurrency": 2}}, "share the lockfile engines.lock.json"),
        (
            {"production": {"lockfile": "a.json"}, "staging": {"lockfile": "./a.json"}},
            "share the lockfile a.json",
        ),
        (
            {"production": {"lockfile": "a.json"}, "staging": {"lockfile": "A.json"}},
            "share the lockfile A.json",
        ),
        (
            {"production": {"lockfile": "\u00e9.json"}, "staging": {"lockfile": "e\u0301.json"}},
            "share the lockfile",
        ),
        ({"production": {}, "Production": {"lockfile": "b.json"}}, "share a name that differs only in case"),
        (
            {
                "production": {"publish": "pr", "pr_branch": "bot"},
                "staging": {"lockfile": "b.json", "publish": "pr", "pr_branch": "bot"},
            },
            "share the branch bot for pull requests",
        ),
        (
            {
                "production": {"track_sources": True},
                "staging": {"lockfile": "engines.json", "track_sources": True},
            },
            "share the record of sources engines.sources.json",
        ),
    ],
)
def test_environments_that_share_something_are_refused(environments: dict[str, object], words: str) -> None:
    (found,) = findings(file={"environments": environments}, place=somewhere)
    assert words in found.message
    assert "lockfile: engines." in (found.hint or "")
    assert found.line == 7


def test_the_lockfile_in_force_is_what_counts_for_the_environment_that_is_chosen() -> None:
    file = {"environments": {"production": {}, "staging": {}, "qa": {"lockfile": "qa.json"}}}
    chosen = resolve({"environment": "staging"}, {"RECONCILE_LOCKFILE": "staging.json"}, file)
    assert chosen.lockfiles == {
        "production": "engines.lock.json",
        "staging": "staging.json",
        "qa": "qa.json",
    }
    (found,) = findings({"environment": "staging"}, {"RECONCILE_LOCKFILE": "qa.json"}, file)
    assert "`staging` and `qa` share the lockfile qa.json" in found.message
    assert resolve({}, {}, {"environments": {"production": {}}}).lockfiles == {}


def test_a_wrong_environment_is_reported_once() -> None:
    file: dict[str, object] = {"environments": {"staging": None}}
    assert len(findings({"environment": "-x"}, {}, file)) == 1
    assert len(findings({}, {}, {"environment": 1.1, **file})) == 1


def test_all_errors_at_once_with_their_places() -> None:
    found = findings(
        {"timeout": "soon"},
        {"RECONCILE_CONCURRENCY": "many", "LINGO_API_URL": "ftp://x"},
        {"lockfil": "x", "engines": "/abs", "environments": {"a b": None, "qa": {"timeout": 0}, "x": 3}},
        place=somewhere,
        file_name="conf/my.yaml",
    )
    text = "\n".join(f"{finding.place} {finding.message}" for finding in found)
    for expected in (
        " --timeout must be a duration",
        " RECONCILE_CONCURRENCY must be a whole number",
        " LINGO_API_URL must be a URL that begins with https://",
        "conf/my.yaml:7:3 unknown setting lockfil",
        "conf/my.yaml:7:5 engines must be relative",
        "conf/my.yaml:7:3 an environment must be a name",
        "conf/my.yaml:7:5 timeout must be longer",
        "conf/my.yaml:7:5 an environment must be a mapping",
    ):
        assert expected in text


def test_a_wrong_flag_makes_it_a_usage_error_and_nothing_else_does() -> None:
    with pytest.raises(UsageError):
        resolve({"concurrency": 0}, {"RECONCILE_TIMEOUT": "x"}, {"x": 1})
    with pytest.raises(InvalidInput):
        resolve({"concurrency": 1}, {"RECONCILE_TIMEOUT": "x"}, {"x": 1})


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("concurency", "did you mean `concurrency`?"),
        ("apiUrl", "did you mean `api_url`?"),
        ("Engines", "did you mean `engines`?"),
        ("environmens", "did you mean `environments`?"),
        ("zzz", "use one of engines, "),
    ],
)
def test_an_unknown_setting_gets_a_suggestion(key: str, hint: str) -> None:
    (finding,) = findings(file={key: "x"})
    assert finding.hint is not None
    assert finding.hint.startswith(hint)


def test_an_overlay_knows_all_settings_but_the_environment() -> None:
    (finding,) = findings(file={"environments": {"production": {"environment": "qa"}}})
    assert finding.hint == "move it to the top level: it chooses the overlay"
    (finding,) = findings(file={"environments": {"production": {"environments": {}}}})
    assert finding.message == "unknown setting environments"
    (finding,) = findings(file={"environments": ["production"]})
    assert finding.message == "environments must map names to settings"


@pytest.mark.parametrize("variable", [setting.variable for setting in SETTINGS.values()])
def test_the_value_of_a_variable_is_never_repeated(variable: str) -> None:
    for value in ("sk live/../9f3c", "https://user:9f3c@h.example", "http://h.example?9f3c", "\x1b9f3c\\"):
        found = findings(env={variable: value})
        assert variable in found[0].message
        assert "9f3c" not in repr(found)


def test_secrets_in_the_file_are_not_shown() -> None:
    def place(path: object, *, of: str = "value") -> tuple[int, int, Excerpt]:
        return 1, 1, Excerpt("callback_url: https://user:9f3c@h.example/x?token=9f3c#9f3c", 0)

    found = findings(
        file={
            "callback_url": "https://user:9f3c@h.example",
            "api_key": "9f3c",
            "environments": {"production": None, "x y": None},
        },
        place=place,
    )
    assert len(found) == 3
    assert "9f3c" not in repr(found)
    assert found[1].excerpt == ("api_key: …", 0)
    assert found[1].hint is not None
    assert "LINGO_API_KEY" in found[1].hint


def test_an_unknown_setting_is_shown_cut_and_printable() -> None:
    (finding,) = findings(file={"\x1b[31m" + "x" * 5000: 1})
    assert len(finding.message) < 100
    assert finding.message.isprintable()


def somewhere(
    path: tuple[str | int, ...], *, of: Literal["key", "value"] = "value"
) -> tuple[int, int, Excerpt]:
    return 7, 3 if of == "key" else 5, Excerpt("the line", 4)


def test_importing_the_settings_is_cheap() -> None:
    """They are read at every start of the command; the libraries for a rarely needed check come when it is."""
    code = (
        "import click, sys; seen = set(sys.modules)\n"
        "import reconciler.core.settings.resolution as settings; settings.resolve({}, {}, None)\n"
        "print(*set(sys.modules) - seen)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "reconciler.core.settings.model" in loaded
    allowed = {"copy", "dataclasses", "org", "org.python", "org.python.core"}
    assert {name for name in loaded if not name.startswith("reconciler")} <= allowed
    assert "reconciler.core.settings.content" not in loaded
