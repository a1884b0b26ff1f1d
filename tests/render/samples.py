"""Plans to look at: one of every kind, a large one, and one written by somebody who means harm."""

from __future__ import annotations

from reconciler.core.engine.spec import LifecycleOptions, Output, Source, Spec, digest_of_text
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.excerpt import Excerpt
from reconciler.core.plan.model import Action, Change, Condition, Kind, Plan

OLD_GLOSSARY = """# Glossary

Acme is never translated.
Use the formal tone in German.

- cart: Warenkorb
- checkout: Kasse
- invoice: Rechnung
- refund: Erstattung
"""
NEW_GLOSSARY = (
    OLD_GLOSSARY.replace("the formal tone", "the Sie-form").replace("Kasse", "Bestellung")
    + "- voucher: Gutschein\n"
)

SPEC = Spec(
    "Help Center",
    "Articles on help.acme.com",
    ("de", "fr", "ja"),
    (
        Source("link", "https://acme.com/brand-guidelines"),
        Source("content", OLD_GLOSSARY, "engines/glossary.md"),
        Source("content", "Be kind."),
    ),
)

CHANGES = (
    Change("name", "Acme Website", "Acme Website 2026"),
    Change(
        "description",
        "Production engine for acme.com",
        "Production engine for acme.com, acme.de and all of their landing pages",
    ),
    Change("locales", old="es"),
    Change("locales", new="pt-BR"),
    Change("sources", old="https://acme.com/old-brand"),
    Change("sources", new="https://acme.com/brand-guidelines"),
    Change(
        "sources",
        digest_of_text(OLD_GLOSSARY),
        digest_of_text(NEW_GLOSSARY),
        content=True,
        old_chars=len(OLD_GLOSSARY),
        new_chars=len(NEW_GLOSSARY),
        file="engines/glossary.md",
        old_text=OLD_GLOSSARY,
        new_text=NEW_GLOSSARY,
    ),
    Change(
        "sources",
        digest_of_text("a"),
        digest_of_text("b"),
        content=True,
        old_chars=1_204,
        new_chars=1_311,
        new_text="b",
    ),
    Change("sources", new=digest_of_text("Be kind."), content=True, new_chars=8, new_text="Be kind."),
    Change("sources", old=digest_of_text("gone"), content=True, old_chars=412, file="engines/gone.md"),
)

EVERY_KIND = Plan(
    "production",
    (
        Action(
            "apps/android",
            Kind.DISCARD,
            "engine file matches the serving engine again; the replacement that was in progress is discarded",
            file="engines/apps/android.yaml",
            engine_id="eng_And2",
            job_id="pjb_And2",
            operation_id="op-and-2",
        ),
        Action(
            "apps/ios",
            Kind.MOVE,
            "the file of `ios` was removed, and this one is identical",
            file="engines/apps/ios.yaml",
            engine_id="eng_Ios1",
            from_key="ios",
        ),
        Action(
            "docs/help",
            Kind.CREATE,
            "not in the lockfile",
            file="engines/docs/help.yaml",
            fingerprint="v1:aa",
            spec=SPEC,
        ),
        Action(
            "email",
            Kind.RESTORE,
            "eng_Mail1 already exists for this exact configuration",
            file="engines/email.yaml",
            engine_id="eng_Mail1",
            changes=(Change("name", "Mail 2", "Mail"),),
        ),
        Action(
            "legal",
            Kind.NONE,
            "failed: https://acme.com/terms cannot be crawled: 404",
            file="engines/legal.yaml",
            engine_id="eng_Leg1",
            job_id="pjb_Leg1",
            condition=Condition.FAILED,
            hint="edit engines/legal.yaml, or try again: reconcile apply --retry-failed --only legal",
        ),
        Action(
            "marketing/website",
            Kind.REPLACE,
            "engine file changed",
            file="engines/marketing/website.yaml",
            engine_id="eng_X1y2Z3a4B5c6D7e8",
            fingerprint="v1:bb",
            changes=CHANGES,
            spec=SPEC,
        ),
        Action(
            "news",
            Kind.NONE,
            "its name and locales were changed on the platform",
            file="engines/news.yaml",
            engine_id="eng_News1",
            condition=Condition.DRIFTED,
            drift=(
                Change("name", "News", "News (do not touch)"),
                Change("locales", old="fr"),
                Change("locales", new="it"),
            ),
            hint="bring the change into engines/news.yaml, or run `reconcile apply --fix-drift --only news` "
            "to overwrite it",
        ),
        Action("old/campaign", Kind.RETIRE, "engine file removed", engine_id="eng_Camp1"),
        Action(
            "shop/at",
            Kind.RECREATE,
            "drift: the platform no longer has eng_ShopAt1",
            file="engines/shop/at.yaml",
            engine_id="eng_ShopAt1",
            fingerprint="v1:cc",
            spec=Spec("Shop AT", None, ("de-AT",)),
            instead_of="eng_ShopAt1",
        ),
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
            "the create call got no answer, so the engine may or may not exist: connection lost after "
            "the request was sent",
            file="engines/support.yaml",
            operation_id="op-sup-1",
            condition=Condition.UNCERTAIN,
            hint="look on the platform for an engine named 'Support' created about 2026-11-24T11:08:13Z\n"
            "if it is the engine of this file: reconcile resolve support --engine-id '<ENGINE_ID>'\n"
            "if not, to create it: reconcile resolve support --retry\n"
            "if not, to leave it out: reconcile resolve support --forget",
        ),
    ),
    unchanged=tuple(f"shop/{number}" for number in range(9_991)),
    diagnostics=(
        Diagnostic(
            "`it` and `it-IT` are both asked for",
            "engines/docs/help.yaml",
            4,
            14,
            Excerpt("locales: [it, it-IT]", 13),
            "keep one",
            Severity.WARNING,
            "docs/help",
        ),
    ),
    lockfile_digest="sha256:" + "0" * 64,
)

NOTHING = Plan("production", unchanged=tuple(f"engine-{number}" for number in range(10_000)))

LARGE = Plan(
    "production",
    tuple(
        Action(
            f"shop/market-{number:03}",
            Kind.CREATE,
            "not in the lockfile",
            file=f"engines/shop/market-{number:03}.yaml",
            fingerprint=f"v1:{number}",
            spec=Spec(
                f"Market {number}", None, ("de", "fr", "ja"), (Source("link", f"https://acme.com/{number}"),)
            ),
        )
        for number in range(500)
    ),
)

INVALID = Plan(
    "production",
    diagnostics=(
        Diagnostic(
            "unknown key `locale`",
            "engines/acme.yaml",
            3,
            1,
            Excerpt("locale: [de, fr]", 0),
            "did you mean `locales`?",
            key="acme",
        ),
        Diagnostic(
            "`pt_br` is not a language tag",
            "engines/acme.yaml",
            5,
            5,
            Excerpt("  - pt_br", 4),
            "write `pt-BR`",
            key="acme",
        ),
        Diagnostic("the file is empty", "engines/shop.yaml", hint="write at least `name: ...`", key="shop"),
        Diagnostic(
            "`description` is longer than most",
            "engines/web.yaml",
            2,
            14,
            Excerpt("description: \tvery long", 13),
            severity=Severity.WARNING,
        ),
    ),
)

EVIL = (
    "\x1b[2J\x1b]0;owned\x07 ::error::forged\n::add-mask::x\n"
    "````\n</details><img src=x onerror=alert(1)>\n@everyone #1 "
    "[click](https://evil.example) https://evil.example www.evil.example\r\n"
    "\u202ecod.exe\u2066\u200bhidden\U000e0041\u2028##[error]x ##vso[a]b "
    "%0A::warning::y | `a` ~~~\n~~~\n``` \x9b31m \udc80"
)

HOSTILE = Plan(
    EVIL,
    (
        Action(
            EVIL,
            Kind.CREATE,
            EVIL,
            file=EVIL,
            engine_id=EVIL,
            hint=EVIL,
            spec=Spec(EVIL, EVIL, (EVIL,), (Source("link", EVIL), Source("content", EVIL, EVIL))),
        ),
        Action(
            "z" + EVIL,
            Kind.REPLACE,
            EVIL,
            file=EVIL,
            engine_id=EVIL,
            changes=(
                Change("name", EVIL, "x" + EVIL),
                Change("description", None, EVIL),
                Change("locales", EVIL),
                Change("sources", EVIL, None),
                Change(
                    "sources",
                    EVIL,
                    EVIL,
                    content=True,
                    file=EVIL,
                    old_chars=1,
                    new_chars=2,
                    old_text=EVIL,
                    new_text="a\n" + EVIL + "b",
                ),
                Change("sources", EVIL, EVIL, content=True, file=EVIL),
                Change("sources", None, EVIL, content=True, file=EVIL, new_text=EVIL),
            ),
        ),
        Action("zz" + EVIL, Kind.MOVE, EVIL, from_key=EVIL, engine_id=EVIL),
        Action("zzz" + EVIL, Kind.RESUME, EVIL, job_id=EVIL, engine_id=EVIL),
        Action("zzzz" + EVIL, Kind.NONE, EVIL, file=EVIL, condition=Condition.UNCERTAIN, hint=EVIL),
    ),
    diagnostics=(Diagnostic(EVIL, EVIL, 1, 3, Excerpt(EVIL, 2), EVIL, Severity.WARNING, EVIL),),
    lockfile=EVIL,
)

HOSTILE_INVALID = Plan(
    EVIL,
    diagnostics=(Diagnostic(EVIL, EVIL, 1, 3, Excerpt(EVIL, 2), EVIL, Severity.ERROR, EVIL),),
    lockfile=EVIL,
)

# What guards hold back, and what is only recorded.
GUARDED = Plan(
    "production",
    (
        Action(
            "legal",
            Kind.RECORD,
            "protection added to its file, and its outputs changed",
            file="engines/legal.yaml",
            engine_id="eng_Leg1",
            fingerprint="v1:cc",
            kept=LifecycleOptions(
                True, (Output("i18n.json", "/engineId"), Output(".env", key="LINGO_ENGINE_ID"))
            ),
            changes=(
                Change("protect", new="true"),
                Change("outputs", old="old.json /engineId"),
                Change("outputs", new="i18n.json /engineId"),
                Change("outputs", new=".env LINGO_ENGINE_ID"),
            ),
        ),
        Action(
            "marketing/website",
            Kind.REPLACE,
            "engine file changed",
            file="engines/marketing/website.yaml",
            engine_id="eng_X1y2Z3a4B5c6D7e8",
            fingerprint="v1:bb",
            changes=CHANGES[:3],
            spec=SPEC,
            guard="it is protected",
            hint="remove `protect` in a separate commit\nto replace this one anyway: "
            "reconcile apply --allow-replace marketing/website",
        ),
        Action(
            "old/campaign",
            Kind.RETIRE,
            "engine file removed",
            engine_id="eng_Camp1",
            guard="this run would retire 7 of 9 engines; the limit is 5 (max_retire: 5 or 30%)",
            hint="review each one, then raise max_retire\nto retire this one anyway: "
            "reconcile apply --allow-retire old/campaign",
        ),
    ),
    unchanged=("docs/help",),
    lockfile_digest="sha256:" + "0" * 64,
)

PLANS = {
    "nothing": NOTHING,
    "every-kind": EVERY_KIND,
    "large": LARGE,
    "invalid": INVALID,
    "hostile": HOSTILE,
    "hostile-invalid": HOSTILE_INVALID,
    "guarded": GUARDED,
}
