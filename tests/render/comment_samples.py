"""Plans as comments show them: of no engine, one, twenty, five hundred, and of people who mean harm."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.engine.spec import Source, Spec, digest_of_text
from reconciler.core.plan.model import Action, Change, Condition, Kind, Origin, Plan
from reconciler.render.markdown.comment import Occasion
from tests.render.samples import CHANGES, EVIL, HOSTILE, HOSTILE_INVALID, INVALID, LARGE

COMMIT = "4f2c1a9be07d5a3c8e6f1b2d9a0c7e5f4b3a2d1c"
OCCASION = Occasion(
    commit=COMMIT,
    commit_url=f"https://github.com/acme/translations/commit/{COMMIT}",
    run_url="https://github.com/acme/translations/actions/runs/19640814711",
)
IN_FOLDER = replace(OCCASION, folder="apps/web -->")


def created(key: str, name: str, *locales: str, sources: int = 1) -> Action:
    links = tuple(Source("link", f"https://acme.com/{key}/{number + 1}") for number in range(sources))
    spec = Spec(name, None, locales, links)
    return Action(
        key,
        Kind.CREATE,
        "not in the lockfile",
        file=f"engines/{key}.yaml",
        fingerprint=f"v1:{key}",
        spec=spec,
    )


def replaced(key: str, engine_id: str, *changes: Change) -> Action:
    return Action(
        key, Kind.REPLACE, "engine file changed", file=f"engines/{key}.yaml", engine_id=engine_id,
        fingerprint=f"v1:{key}", changes=changes,
    )  # fmt: skip


_MARKETS = {
    "at": ("Austria", "de-AT"),
    "br": ("Brazil", "pt-BR"),
    "ch": ("Switzerland", "de-CH", "fr-CH", "it-CH"),
    "cz": ("Czechia", "cs"),
    "dk": ("Denmark", "da"),
    "es": ("Spain", "es", "ca", "eu", "gl"),
    "fi": ("Finland", "fi", "sv-FI"),
    "gr": ("Greece", "el"),
    "jp": ("Japan", "ja"),
    "kr": ("Korea", "ko"),
    "pl": ("Poland", "pl"),
    "se": ("Sweden", "sv"),
}
_TWENTY = (
    Action(
        "apps/ios",
        Kind.MOVE,
        "the file of `ios` was removed, and this one is identical",
        file="engines/apps/ios.yaml",
        engine_id="eng_Ios1",
        from_key="ios",
    ),
    replaced("docs/help", "eng_H3lpC3nt3r0001", Change("locales", new="nl"), Change("locales", new="pl")),
    Action(
        "email",
        Kind.RESTORE,
        "eng_Mail1 already exists for this exact configuration",
        file="engines/email.yaml",
        engine_id="eng_Mail1",
        changes=(Change("name", "Mail 2", "Mail"),),
    ),
    replaced("marketing/website", "eng_X1y2Z3a4B5c6D7e8", CHANGES[0], CHANGES[2], CHANGES[3], CHANGES[6]),
    Action("old/campaign", Kind.RETIRE, "engine file removed", engine_id="eng_Camp1"),
    replaced(
        "press",
        "eng_Pr3ss000000001",
        Change("description", "Press releases", "Press releases and the newsroom"),
        Change("sources", old="https://acme.com/press", new=None),
        Change("sources", new="https://newsroom.acme.com/style"),
    ),
    *(created(f"shop/{code}", f"Shop {name}", *tags) for code, (name, *tags) in _MARKETS.items()),
    Action(
        "store",
        Kind.RESUME,
        "its job is still running",
        file="engines/store.yaml",
        engine_id="eng_Store1",
        job_id="pjb_Store1",
        operation_id="op-store-1",
    ),
    Action(
        "support",
        Kind.NONE,
        "the create call got no answer, so the engine may or may not exist: connection lost after the request was sent",
        file="engines/support.yaml",
        operation_id="op-sup-1",
        condition=Condition.UNCERTAIN,
        hint="look on the platform for an engine named 'Support' created about 2026-11-24T11:08:13Z\n"
        "if it is the engine of this file: reconcile resolve support --engine-id '<ENGINE_ID>'\n"
        "if not, to create it: reconcile resolve support --retry\n"
        "if not, to leave it out: reconcile resolve support --forget",
    ),
)
TWENTY = Plan(
    "production",
    _TWENTY,
    unchanged=tuple(f"e{number}" for number in range(41)),
    lockfile_digest="sha256:" + "0" * 64,
)
ONE = replace(TWENTY, actions=_TWENTY[3:4])
NONE = replace(TWENTY, actions=())

REPLACED = Plan(
    "production", tuple(replaced(f"site-{number:03}", f"eng_{number}", *CHANGES) for number in range(500))
)
CROWD = Plan("production", tuple(created(f"markets/{number:05}", "Market", "de") for number in range(20_000)))

# Seen from a branch, with guards at work.
COMPARED = replace(
    TWENTY,
    actions=tuple(
        replace(
            one,
            origin=Origin.RUNNING
            if one.key in ("store", "support")
            else Origin.MERGED
            if index % 3
            else Origin.BRANCH,
            guard="it is protected (`lifecycle.protect`)" if one.key in ("press", "old/campaign") else None,
        )
        for index, one in enumerate(_TWENTY)
    ),
)

_HUGE = ("@everyone `````` </details> ::error::x <!-- --> #1 " * 8 + "\n") * 2_600  # 1.1 MB
HUGE = Plan(
    "production",
    (
        created("huge", _HUGE, _HUGE),
        replaced(
            "text", "eng_1",
            Change("description", _HUGE, "x" + _HUGE),
            Change(
                "sources", digest_of_text("a"), digest_of_text("b"), content=True, file="engines/huge.md",
                old_chars=len(_HUGE), new_chars=len(_HUGE) * 2, old_text=_HUGE, new_text="y" + _HUGE.upper(),
            ),
        ),
        Action("z" * 1_000_000, Kind.NONE, _HUGE, condition=Condition.FAILED, hint=_HUGE),
    ),
)  # fmt: skip
EVIL_OCCASION = Occasion("plan", EVIL, EVIL, EVIL, EVIL)

COMMENTS: dict[str, tuple[Plan, Occasion]] = {
    "0": (NONE, OCCASION),
    "1": (ONE, OCCASION),
    "20": (TWENTY, OCCASION),
    "500-created": (LARGE, OCCASION),
    "500-replaced": (REPLACED, OCCASION),
    "20000": (CROWD, OCCASION),
    "invalid": (INVALID, IN_FOLDER),
    "hostile": (HOSTILE, EVIL_OCCASION),
    "hostile-invalid": (HOSTILE_INVALID, EVIL_OCCASION),
    "huge": (HUGE, OCCASION),
    "compared": (COMPARED, OCCASION),
    "pushed": (TWENTY, replace(OCCASION, merging=False)),
}
