"""How far settings are believed that stand in a repository, where whoever opens a pull request may write them.

They never say where a secret goes or whose word counts: the API key goes to Lingo, to this machine, or to a host that
the environment or a flag names, and an inbox is named by environment or flag alone. What else they decide may be
changed in a pull request, and its plan says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.core.errors import Diagnostic, GuardRefused, InvalidInput, Severity
from reconciler.core.settings.model import OVERLAYS, SETTINGS, Settings

if TYPE_CHECKING:
    from reconciler.core.sources.addresses import Allowed

_HOME = "lingo.dev"
_LOOPBACK = ("localhost", "[::1]")

# Settings that decide where something goes, what is written, or what holds a run back.
RELEVANT = (
    *("api_url", "api_key_env", "callback_url", "inbox", "inbox_url", "via", "remote", "branch"),
    *("publish", "pr_branch", "pr_auto_merge", "engines", "include", "exclude", "lockfile", "environment"),
    *("max_replace", "max_retire", "max_prune", "on_removed", "max_create", "author"),
    *("skip_ci", "sign", "publish_by", "lease_ttl", "metadata_changes", "mcp_url", "lookup"),
    *("track_sources", "private_sources"),
)


def check_key_host(settings: Settings) -> None:
    """Raises `GuardRefused` where only the repository names a host that the API key would go to. That is also where
    runs look engines up, unless they do not.
    """
    _check_host(settings, "api_url")
    if settings.lookup != "off":
        check_lookup_host(settings)


def check_lookup_host(settings: Settings) -> None:
    """The same of the host that lists engines, for those who ask it whatever `lookup` says."""
    _check_host(settings, "mcp_url")


def _check_host(settings: Settings, name: str) -> None:
    url = getattr(settings, name)
    if _is_from_file(settings, name) and not _is_trusted(url):
        raise GuardRefused(
            f"{settings.source_of[name]} names {url}, and the API key is not sent there",
            hint=f"set {SETTINGS[name].variable} where the key is set: a host outside lingo.dev must be named there",
        )


def check_inbox(settings: Settings) -> None:
    """Raises `GuardRefused` where only the repository names what is believed, or who gets the inbox's token."""
    for name in ("inbox", "inbox_url"):
        if _is_from_file(settings, name) and getattr(settings, name) is not None:
            setting = SETTINGS[name]
            raise GuardRefused(
                f"`{name}` is set only by {settings.source_of[name]}, and webhooks are trusted because of it",
                hint=f"set {setting.variable}, or use {setting.flag}",
            )


def allowed_sources(settings: Settings) -> Allowed:
    """Where links may lead besides the public internet. Raises `GuardRefused` where only the repository says so, since
    whoever opens a pull request could have a runner look around in its network; `InvalidInput` for what is no host.
    """
    from reconciler.core.sources.addresses import PUBLIC_ONLY, allowed  # only where pages are looked at

    if settings.private_sources is None:
        return PUBLIC_ONLY
    setting = SETTINGS["private_sources"]
    if _is_from_file(settings, "private_sources"):
        raise GuardRefused(
            f"`private_sources` is set only by {settings.source_of['private_sources']}, which a pull request can edit",
            hint=f"remove it there, and set {setting.variable} where reconcile runs",
        )
    try:
        return allowed(tuple(one.strip() for one in settings.private_sources.split(",")))
    except ValueError as error:
        raise InvalidInput(f"{setting.variable}: {error}", hint=f"write {setting.example}") from error


def key_destination(settings: Settings, file: str) -> list[Diagnostic]:
    """For a plan: where the key goes, if the settings file alone sends it elsewhere than to Lingo."""
    names = ("api_url",) if settings.lookup == "off" else ("api_url", "mcp_url")
    return [found for name in names if (found := _destination(settings, name, file)) is not None]


def _destination(settings: Settings, name: str, file: str) -> Diagnostic | None:
    url = getattr(settings, name)
    if not _is_from_file(settings, name) or _host(url).endswith(f".{_HOME}"):
        return None
    source = settings.source_of[name]
    if _is_trusted(url):
        return _finding(f"the API key goes to {url}: `{name}` of {source}", file, severity=Severity.NOTICE)
    hint = f"set {SETTINGS[name].variable} if that is right; otherwise an apply refuses to send the key there"
    return _finding(f"`{name}` of {source} names {url} for the API key", file, hint, Severity.NOTICE)


def changes(before: Mapping[str, object], now: Mapping[str, object], file: str) -> list[Diagnostic]:
    """For a plan that has a base: every relevant setting that differs between two versions of the settings file."""
    found = [_finding(f"this branch changes {one}", file) for one in _differences(before, now, "")]
    old, new = (_block(content.get(OVERLAYS)) for content in (before, now))
    for name in sorted({*old, *new}, key=str):
        if (name in old) != (name in new):
            verb = "adds" if name in new else "removes"
            found.append(_finding(f"this branch {verb} the environment `{name}`", file))
        ones = _differences(_block(old.get(name)), _block(new.get(name)), f" of environment `{name}`")
        found += [_finding(f"this branch changes {one}", file) for one in ones]
    return found


def _differences(before: Mapping[str, object], now: Mapping[str, object], where: str) -> Iterator[str]:
    for name in RELEVANT:
        if before.get(name) != now.get(name):
            old, new = (_shown(content.get(name)) for content in (before, now))
            yield f"the setting `{name}`{where}: {old} → {new}"


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    from reconciler.core.excerpt import Excerpt
    from reconciler.core.settings.content import without_secrets

    text = str(value).lower() if isinstance(value, bool) else str(value)
    return without_secrets(Excerpt(text).window(200)).text


def _block(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _finding(
    message: str, file: str, hint: str | None = None, severity: Severity = Severity.WARNING
) -> Diagnostic:
    return Diagnostic(message, file, hint=hint, severity=severity)


def _is_from_file(settings: Settings, name: str) -> bool:
    setting = SETTINGS[name]
    source = settings.source_of.get(name, "default")
    return source != "default" and source not in setting.named_outside


def _is_trusted(url: str) -> bool:
    host = _host(url)
    secure = url.startswith("https://")
    if host in _LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit()):
        return True
    return secure and (host == _HOME or host.endswith(f".{_HOME}"))


def _host(url: str) -> str:
    """In lower case, as the setting's kind leaves it: no user, no query; IPv6 in brackets."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority[: authority.index("]") + 1] if "]" in authority else authority.partition(":")[0]
