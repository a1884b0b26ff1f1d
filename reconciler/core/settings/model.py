"""The settings: one declaration each.

The field of `Settings` *is* the declaration: its kind, default, help, variable and flag stand on it, and the
resolution, the JSON Schema, the commented file that `init` writes and the check of the documentation all read
them from there. This module is imported at every start of the command, so it imports no more than it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.frozen import dataclass, field, said_of
from reconciler.core.plan.limits import DEFAULT_CREATES, DEFAULT_LIMIT, DEFAULT_PRUNES, Limit, LimitKind
from reconciler.core.settings.kinds import (
    AUTHOR_PATTERN,
    BRANCH_PATTERN,
    KEY_PATTERN,
    LABELS_PATTERN,
    NETWORKS_PATTERN,
    Choice,
    Duration,
    Inbox,
    Name,
    Patterns,
    RelativePath,
    Switch,
    Text,
    Url,
    WholeNumber,
)

if TYPE_CHECKING:
    from typing import Literal, Protocol

    from reconciler.core.excerpt import Excerpt
    from reconciler.core.outputs.rules import OutputRules
    from reconciler.core.settings.kinds import JsonSchema

    class Kind(Protocol):
        def parse(self, value: object, as_text: bool) -> object: ...
        def schema(self) -> JsonSchema: ...

    class Place(Protocol):
        """Line and column (from 1) of a key or a value in the file, and the text of that line."""

        def __call__(
            self, path: tuple[str | int, ...], *, of: Literal["key", "value"] = "value"
        ) -> tuple[int, int, Excerpt]: ...


SETTINGS_FILE = "reconcile.yaml"
OVERLAYS = "environments"
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Setting:
    """A declaration. `example` is a value as `reconcile.yaml` has it: the default where there is one. `older` is a
    deprecated name of the variable.
    """

    name: str
    kind: Kind
    default: object
    example: str
    help: str
    variable: str
    flag: str
    older: str = ""

    @property
    def named_outside(self) -> frozenset[str]:
        """The sources of a value that no repository decides."""
        return frozenset({self.variable, self.older, self.flag} - {""})


def _setting(
    default: object,
    kind: Kind,
    help: str,
    example: str,
    *,
    variable: str = "",
    older: str = "",
    flag: str = "",
) -> Any:
    declared = {
        "kind": kind,
        "help": help,
        "example": example,
        "variable": variable,
        "older": older,
        "flag": flag,
    }
    return field(default=default, metadata=declared)


@dataclass(frozen=True)
class Settings:
    """Resolved and checked. Paths are relative to the project's root, lengths of time are seconds.

    `source_of` tells for each setting where its value came from: the flag, the variable, the file (and the
    overlay in it), or "default". `lockfiles` has that of each environment, and `folders`
    those of their engine files, where the file lists several; `listed` has the names of all that it lists.
    """

    engines: str = _setting("engines", RelativePath(), "Folder of the engine files.", "engines")
    include: tuple[str, ...] | None = _setting(
        None,
        Patterns(),
        "Keys of the engines that are chosen, as patterns; all by default.",
        "[marketing/*, shop]",
    )
    exclude: tuple[str, ...] | None = _setting(
        None, Patterns(), "Keys of engines that are not chosen, as patterns.", "[experiments/*]"
    )
    lockfile: str = _setting(
        "engines.lock.json", RelativePath(".json"), "The lockfile; applications read it.", "engines.lock.json"
    )
    environment: str = _setting(
        "production", Name(), "The environment that a run is for.", "production", flag="--env"
    )
    api_url: str = _setting(
        "https://api.lingo.dev",
        Url(),
        "Base URL of the platform. The API key is sent only there.",
        "https://api.lingo.dev",
        variable="LINGO_API_URL",
        older="LINGODOTDEV_API_URL",
    )
    api_key_env: str = _setting(
        "LINGO_API_KEY",
        Text("the name of a variable that begins with LINGO_API_KEY", KEY_PATTERN, "LINGO_API_KEY_STAGING"),
        "The variable that holds the API key. Its name begins with LINGO_API_KEY.",
        "LINGO_API_KEY",
    )
    mcp_url: str = _setting(
        "https://mcp.lingo.dev/account",
        Url(),
        "Where the platform lists engines (MCP). The default goes with the default `api_url` only.",
        "https://mcp.lingo.dev/account",
    )
    lookup: str = _setting(
        "suggest",
        Choice("off", "suggest", "auto"),
        "What a run does about a lost answer: nothing, list engines it may have created, or adopt one.",
        "suggest",
    )
    callback_url: str | None = _setting(
        None, Url(), "Where the platform posts when a job ends.", "https://hooks.example.com/reconcile"
    )
    via: str | None = _setting(
        None,
        Choice("websocket", "webhook", "both"),
        "How a run learns that a job ended; both if there are a callback URL and an inbox.",
        "both",
    )
    inbox: str | None = _setting(
        None,
        Inbox(),
        "The receiver's inbox: a file, relative to the project's root, or a PostgreSQL database.",
        "/var/lib/reconcile/inbox.db",
    )
    inbox_url: str | None = _setting(
        None,
        Url(),
        "A receiver on another machine; its token is in RECONCILE_INBOX_TOKEN.",
        "https://hooks.example.com/reconcile",
    )
    concurrency: int = _setting(8, WholeNumber(1, 64), "Number of create calls to run at once.", "8")
    timeout: float = _setting(
        1800.0, Duration(7 * _DAY), "How long a run waits for jobs. They keep running afterwards.", "30m"
    )
    metadata_changes: str = _setting(
        "reprovision",
        Choice("reprovision", "in_place"),
        "How a change of only name, description or locales is made: by a new engine, or on the engine itself.",
        "reprovision",
    )
    publish: bool | str | None = _setting(
        None,
        Switch("pr"),
        "Whether a run pushes its journal and the lockfile to the remote; `pr`: with a pull request.",
        "true",
    )
    publish_by: str = _setting(
        "git",
        Choice("git", "api"),
        "Who creates the lockfile commit: git, or GitHub, which signs it (`api`).",
        "git",
    )
    remote: str = _setting("origin", Name(), "The git remote to publish to.", "origin")
    branch: str | None = _setting(
        None,
        Text("a branch's name", BRANCH_PATTERN, "main or release/2026"),
        "The branch whose lockfile is updated.",
        "main",
    )
    pr_branch: str | None = _setting(
        None,
        Text("a branch's name", BRANCH_PATTERN, "reconcile/production"),
        "The branch for pull requests with the lockfile. Only this tool pushes to it.",
        "reconcile/production",
    )
    pr_labels: str | None = _setting(
        None,
        Text("labels, separated by commas", LABELS_PATTERN, "localization, automated"),
        "Labels of those pull requests.",
        "localization, automated",
    )
    pr_auto_merge: str | None = _setting(
        None,
        Choice("merge", "squash", "rebase"),
        "Have GitHub merge them with this method as soon as possible.",
        "squash",
    )
    lease_ttl: float = _setting(300.0, Duration(_DAY), "How long the lease lasts without renewal.", "5m")
    lease_wait: float | None = _setting(
        None, Duration(_DAY), "How long to wait for another run's lease before exiting with 5.", "10m"
    )
    author: str | None = _setting(
        None,
        Text("a name and an address", AUTHOR_PATTERN, "CI Bot <ci@example.com>"),
        "The author of the commits.",
        "CI Bot <ci@example.com>",
    )
    sign: bool | None = _setting(
        None, Switch(), "Whether lockfile commits are signed. By default, as git is configured.", "true"
    )
    skip_ci: bool = _setting(False, Switch(), "Whether lockfile commits tell CI to skip them.", "false")
    max_replace: Limit = _setting(
        DEFAULT_LIMIT,
        LimitKind(),
        "How many engines one run may replace, as a number or percentage.",
        "5 or 30%",
    )
    max_retire: Limit = _setting(
        DEFAULT_LIMIT,
        LimitKind(),
        "How many engines one run may retire, as a number or percentage.",
        "5 or 30%",
    )
    max_create: Limit = _setting(
        DEFAULT_CREATES,
        LimitKind(),
        "How many new engines one run may create, as a number or percentage of those recorded.",
        "50 or 100%",
    )
    max_prune: Limit = _setting(
        DEFAULT_PRUNES,
        LimitKind(),
        "How many engines one run may delete on the platform, as a number or percentage of those recorded.",
        "20 or 50%",
    )

    on_removed: str = _setting(
        "retire",
        Choice("retire", "delete"),
        "What happens to an engine whose file is removed: it stays on the platform, or is deleted there.",
        "retire",
    )

    track_sources: bool = _setting(
        False,
        Switch(),
        "Whether runs record what the links of an engine were like, beside the lockfile.",
        "false",
    )
    private_sources: str | None = _setting(
        None,
        Text(
            "host names and networks, separated by commas",
            NETWORKS_PATTERN,
            "wiki.acme.internal, 10.1.0.0/16",
        ),
        "Where links may lead besides the public internet. Only the environment can name it.",
        "wiki.acme.internal, 10.1.0.0/16",
    )

    source_of: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    lockfiles: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    folders: tuple[str, ...] = field(default=(), compare=False, repr=False)
    listed: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def listed_at(self) -> str | None:
        """Where the platform lists its engines; None where it is not known: Lingo lists those of its own platform."""
        mcp_url, api_url = SETTINGS["mcp_url"], SETTINGS["api_url"]
        own = self.source_of.get("mcp_url", "default") != "default" or self.mcp_url != mcp_url.default
        return self.mcp_url if own or self.api_url == api_url.default else None

    @property
    def choice(self) -> EngineChoice:
        """What of the engines folder the environment is about."""
        return EngineChoice(self.environment, self.listed, self.include or (), self.exclude or ())

    @property
    def sources_file(self) -> str:
        """What engines learned from is recorded here, beside the lockfile."""
        from reconciler.core.sources.state import path_beside  # only where sources are looked at

        return path_beside(self.lockfile)

    @property
    def output_rules(self) -> OutputRules:
        from reconciler.core.outputs.rules import OutputRules  # only with outputs

        return OutputRules(self.engines, self.lockfile, self.folders, tuple(self.lockfiles.values()))


def _declared() -> dict[str, Setting]:
    table = {}
    for name, said in said_of(Settings).items():
        if "metadata" in said:
            declared = dict(said["metadata"])
            declared["variable"] = declared["variable"] or f"RECONCILE_{name.upper()}"
            declared["flag"] = declared["flag"] or "--" + name.replace("_", "-")
            table[name] = Setting(name=name, default=said["default"], **declared)
    return table


SETTINGS: Mapping[str, Setting] = _declared()
