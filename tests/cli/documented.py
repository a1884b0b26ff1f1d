"""The projects that the examples in the documentation were made in, with nothing in them that chance decides."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.storage.durable_files import replace_file
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.engine.spec import Desired, record_of
from reconciler.core.lockfile.entry import UNCERTAIN, Entry, Pending, Provisioned
from reconciler.core.lockfile.model import EMPTY, Lockfile, render

LOCKFILE = "engines.lock.json"
_AT = "2026-11-24T11:08:13Z"
_GLOSSARY = """\
# Glossary

Acme is never translated.
Use the formal tone in German.

- cart: Warenkorb
- checkout: Kasse
- invoice: Rechnung
- refund: Erstattung
"""
_WEBSITE = """\
name: Acme Website
locales: [de, es, fr]
sources:
  - type: content
    file: ../glossary.md
"""
_SUPPORT = "name: Support\nlocales: [de]\n"
_HELP = """\
name: Help Center
locales: [de, fr]
sources:
  - type: link
    payload: https://acme.com/brand-guidelines
"""
_WRONG = {
    "engines/acme.yaml": """\
name: 1.10
locale: [de]
locales: [pt_br, deutsch]
sources:
  - type: link
    payload: acme.com
  - type: content
    file: ../../secrets.md
""",
    "engines/shop.yaml": "name: Shop\nname: Web shop\nlocales:\n\t- de\n",
}


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode(), name)


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


def _desired(root: Path, key: str) -> Desired:
    loaded = EngineFiles(root, "engines").load(key, f"engines/{key}.yaml", 40)
    assert isinstance(loaded, Desired), loaded
    return loaded


def _serving(root: Path, key: str, name: str) -> Entry:
    one = _desired(root, key)
    made = Provisioned(
        engine_id=f"eng_{name}",
        fingerprint=one.fingerprint,
        spec=record_of(one.spec),
        files=one.files,
        job_id=f"pjb_{name}",
        operation_id=f"op-{name}",
        provisioned_at=_AT,
    )
    return Entry(made)


def _unknown(root: Path, key: str) -> Entry:
    one = _desired(root, key)
    asked = Pending(
        status=UNCERTAIN,
        operation_id="op-sup-1",
        fingerprint=one.fingerprint,
        spec=record_of(one.spec),
        files=one.files,
        submitted_at=_AT,
        error="connection lost after the request was sent",
    )
    return Entry(pending=asked)


def _record(root: Path, lockfile: Lockfile) -> None:
    write(root, {LOCKFILE: render(lockfile).decode()})


def _serve_shops(root: Path) -> dict[str, Entry]:
    names = [f"shop/{number:02}" for number in range(1, 42)]
    write(root, {f"engines/{name}.yaml": f"name: Shop {name[-2:]}\nlocales: [de]\n" for name in names})
    return {name: _serving(root, name, f"Shop{name[-2:]}") for name in names}


def _committed(root: Path) -> None:
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=Engines")


def changes(root: Path) -> None:
    """One engine of each kind that a reader meets first: new, edited, and with an unknown outcome."""
    write(root, {"engines/glossary.md": _GLOSSARY, "engines/marketing/website.yaml": _WEBSITE})
    write(root, {"engines/support.yaml": _SUPPORT})
    entries = _serve_shops(root)
    entries["marketing/website"] = _serving(root, "marketing/website", "X1y2Z3a4B5c6D7e8")
    entries["support"] = _unknown(root, "support")
    _record(root, EMPTY.with_entries(entries))
    _committed(root)
    glossary = _GLOSSARY.replace("the formal tone", "the Sie-form").replace("Kasse", "Bestellung")
    website = _WEBSITE.replace("Website", "Website 2026").replace("es, fr", "fr, pt-BR")
    write(root, {"engines/glossary.md": glossary + "- voucher: Gutschein\n"})
    write(root, {"engines/marketing/website.yaml": website, "engines/docs/help.yaml": _HELP})


def one_edit(root: Path) -> None:
    """An engine that gets a locale, and a text that changes in one line."""
    acme = _WEBSITE.replace("es, fr", "fr").replace("../glossary.md", "glossary.md")
    write(root, {"engines/glossary.md": _GLOSSARY, "engines/acme.yaml": acme})
    entries = _serve_shops(root) | {"acme": _serving(root, "acme", "X1y2Z3a4B5c6D7e8")}
    _record(root, EMPTY.with_entries(entries))
    _committed(root)
    write(root, {"engines/glossary.md": _GLOSSARY.replace("Kasse", "Bestellung")})
    write(root, {"engines/acme.yaml": acme.replace("fr]", "fr, it]")})


def up_to_date(root: Path) -> None:
    entries = _serve_shops(root)
    _record(root, EMPTY.with_entries(entries))


def outputs(root: Path) -> None:
    """Two engines that serve, and a file of the application that does not have the ID of one."""
    acme = "name: Acme\nlocales: [de]\noutputs:\n  - file: i18n.json\n    pointer: /engineId\n"
    write(root, {"engines/acme.yaml": acme, "engines/shop.yaml": _SUPPORT, "i18n.json": '{"engineId": ""}\n'})
    entries = {"acme": _serving(root, "acme", "X1y2Z3a4B5c6D7e8"), "shop": _serving(root, "shop", "Shop")}
    kept = _desired(root, "acme").kept
    _record(root, EMPTY.with_entries({**entries, "acme": replace(entries["acme"], kept=kept)}))


def protected(root: Path) -> None:
    """A protected engine that gets a locale, and a new engine."""
    legal = "name: Legal\nlocales: [de]\nlifecycle:\n  protect: true\n"
    write(root, {"engines/legal.yaml": legal})
    entries = {"legal": replace(_serving(root, "legal", "Legal"), kept=_desired(root, "legal").kept)}
    _record(root, EMPTY.with_entries(entries))
    _committed(root)
    write(root, {"engines/legal.yaml": legal.replace("[de]", "[de, pt-BR]")})
    write(root, {"engines/support.yaml": _SUPPORT})


def in_place(root: Path) -> None:
    """An engine that gets another name and a locale, where that is changed in place."""
    acme = "name: Acme\nlocales: [de, fr]\nsources:\n  - {type: link, payload: 'https://acme.com/brand'}\n"
    write(root, {"engines/acme.yaml": acme, "reconcile.yaml": "metadata_changes: in_place\n"})
    _record(root, EMPTY.with_entries({"acme": _serving(root, "acme", "X1y2Z3a4B5c6D7e8")}))
    _committed(root)
    write(root, {"engines/acme.yaml": acme.replace("Acme", "Acme Corp").replace("fr]", "fr, ja]")})


def sparse(root: Path) -> None:
    """An engine that git has, and that this checkout leaves out."""
    write(root, {"engines/acme.yaml": _SUPPORT, "engines/support/help.yaml": _HELP})
    names = ("acme", "support/help")
    _record(root, EMPTY.with_entries({name: _serving(root, name, "Help") for name in names}))
    _committed(root)
    git(root, "sparse-checkout", "set", "--no-cone", "/*", "!/engines/support/")


def invalid(root: Path) -> None:
    write(root, _WRONG)


def conflict(root: Path) -> None:
    up_to_date(root)
    text = (root / LOCKFILE).read_text(encoding="utf-8").splitlines(keepends=True)
    write(root, {LOCKFILE: "".join([*text[:13], "<<<<<<< HEAD\n", *text[13:]])})


def projects(root: Path) -> None:
    """Three teams: one with a new engine and two environments, one up to date, and one whose settings are wrong."""
    web = "environments:\n  production: {}\n  staging:\n    lockfile: engines.staging.lock.json\n"
    write(root, {"apps/web/reconcile.yaml": web, "apps/web/engines/website.yaml": _SUPPORT})
    write(root, {"apps/help/reconcile.yaml": "concurrency: 4\n", "apps/help/engines/help.yaml": _HELP})
    _record(root / "apps/help", EMPTY.with_entries({"help": _serving(root / "apps/help", "help", "Help")}))
    write(
        root,
        {"docs/reconcile.yaml": "concurency: 4\n", "node_modules/kit/reconcile.yaml": "concurrency: 4\n"},
    )
    _committed(root)


_ENVIRONMENTS = """\
environments:
  production: {}
  staging:
    lockfile: engines.staging.lock.json
"""
_TRIED = "# Until the spring campaign\nlocales: [de, fr, ja]   # Japan is new\n"


def _in_staging(root: Path) -> EngineFiles:
    return EngineFiles(root, choice=EngineChoice("staging", ("production", "staging")))


def _environments(root: Path, overlay: str) -> None:
    """Two engines that production has, one of them otherwise in staging."""
    acme = "name: Acme Corp Engine\n# Where we sell\nlocales: [de, fr]\n"
    write(root, {"reconcile.yaml": _ENVIRONMENTS, "engines/acme.yaml": acme, "engines/shop.yaml": _SUPPORT})
    entries = {name: _serving(root, name, name.title()) for name in ("acme", "shop")}
    _record(root, EMPTY.with_entries(entries))
    write(root, {"engines/acme.staging.yaml": overlay})


def staging_untested(root: Path) -> None:
    _environments(root, _TRIED)
    content = (root / LOCKFILE).read_text(encoding="utf-8")
    write(root, {"engines.staging.lock.json": content})
    _committed(root)


def staging_tested(root: Path) -> None:
    _environments(root, _TRIED)
    wanted = _in_staging(root).load("acme", "engines/acme.yaml")
    assert isinstance(wanted, Desired)
    made = Provisioned(
        engine_id="eng_AcmeStaging",
        fingerprint=wanted.fingerprint,
        spec=record_of(wanted.spec),
        files=wanted.files,
        job_id="pjb_AcmeStaging",
        operation_id="op-staging",
        provisioned_at=_AT,
    )
    lockfile = EMPTY.with_entries({"acme": Entry(made), "shop": _serving(root, "shop", "ShopStaging")})
    write(root, {"engines.staging.lock.json": render(lockfile).decode()})
    _committed(root)


SCENES: dict[str, Callable[[Path], None]] = {
    "changes": changes,
    "one edit": one_edit,
    "up to date": up_to_date,
    "outputs": outputs,
    "protected": protected,
    "in place": in_place,
    "sparse": sparse,
    "invalid": invalid,
    "conflict": conflict,
    "projects": projects,
    "staging untested": staging_untested,
    "staging tested": staging_tested,
}
