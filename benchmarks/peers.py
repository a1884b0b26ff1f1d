"""The same work done by others, each in a throwaway virtual environment that pip fills from the package registry.

Only when asked for by name, since it takes minutes and installs things: `python -m benchmarks peers`.

* check-jsonschema validates the same files against our schema; `reconcile validate` does that and more.
* dbt-jobs-as-code, our nearest relative, validates as many files with a job each; its plan asks dbt Cloud.
* Terraform, where it is installed, plans one `terraform_data` for each of the same files, which it reads by itself.
* octoDNS plans as many zones as we have engines, unchanged, from one folder of YAML files to another.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.corpus import project
from benchmarks.processes import RECONCILE, Command, in_turn
from benchmarks.table import Row, cost

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "engine.schema.json"
OBJECTS = 10_000
FEWER_OBJECTS = 1_000  # for those that take minutes for ten thousand
QUICK_OBJECTS = 1_000

# octoDNS wants keys in order.
_ZONE = """\
---
www:
  ttl: 300
  type: A
  values: [192.0.2.1, 192.0.2.2]
"""
_TERRAFORM = """\
locals {
  engines = { for file in fileset(path.module, "engines/**/*.yaml") : file => yamldecode(file(file)) }
}
resource "terraform_data" "engine" {
  for_each = local.engines
  input    = each.value
}
"""
_DBT_JOB = """\
jobs:
  job_{number:05}:
    account_id: 1
    project_id: 2
    environment_id: 3
    name: Job {number:05}
    description: Formal tone keep the brand name short sentences never translate product.
    settings: {{threads: 4, target_name: production}}
    execution: {{timeout_seconds: 0}}
    run_generate_sources: false
    generate_docs: false
    execute_steps: [dbt build --select tag:nightly]
    schedule: {{cron: "0 1 * * *"}}
    triggers: {{github_webhook: false, git_provider_webhook: false, schedule: true, on_merge: false}}
"""
_OCTODNS = """\
providers:
  here: {{class: octodns.provider.yaml.YamlProvider, directory: {root}/here}}
  there: {{class: octodns.provider.yaml.YamlProvider, directory: {root}/there}}
zones:
"""


def rows(quick: bool) -> Iterator[Row]:
    count = QUICK_OBJECTS if quick else OBJECTS
    with project(count) as root:
        yield _check_jsonschema(root, count)
        yield _octodns(root, count)
    with project(FEWER_OBJECTS) as root:
        yield _dbt_jobs(root, FEWER_OBJECTS)
        if (terraform := shutil.which("terraform")) is not None:
            yield _terraform(terraform, root, FEWER_OBJECTS)


def _terraform(terraform: str, root: Path, count: int) -> Row:
    (root / "main.tf").write_text(_TERRAFORM)
    for words in (("init",), ("apply", "-auto-approve")):
        _run([terraform, f"-chdir={root}", *words, "-no-color", "-input=false"])
    peer = Command([terraform, "plan", "-no-color", "-input=false"], root)
    return _row(
        f"plan {count:,} engines, unchanged", Command([RECONCILE, "plan"], root), "terraform plan", peer
    )


def _check_jsonschema(root: Path, count: int) -> Row:
    files = sorted(str(path.relative_to(root)) for path in root.glob("engines/*/*.yaml"))
    with _installed("check-jsonschema") as programs:
        peer = Command([str(programs / "check-jsonschema"), "--schemafile", str(SCHEMA), *files], root)
        return _row(
            f"validate {count:,} files", Command([RECONCILE, "validate"], root), "check-jsonschema", peer
        )


def _dbt_jobs(root: Path, count: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, _installed("dbt-jobs-as-code") as programs:
        for number in range(count):
            Path(folder, f"job-{number:05}.yml").write_text(_DBT_JOB.format(number=number))
        peer = Command([str(programs / "dbt-jobs-as-code"), "validate", f"{folder}/*.yml"], Path(folder))
        ours = Command([RECONCILE, "validate"], root)
        return _row(f"validate {count:,} files", ours, "dbt-jobs-as-code", peer)


def _octodns(root: Path, count: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, _installed("octodns") as programs:
        config = _write_zones(Path(folder), count)
        peer = Command(
            [str(programs / "octodns-sync"), "--quiet", "--config-file", str(config)], Path(folder)
        )
        return _row(f"plan {count:,} objects, unchanged", Command([RECONCILE, "plan"], root), "octoDNS", peer)


def _write_zones(root: Path, count: int) -> Path:
    config = [_OCTODNS.format(root=root)]
    for side in ("here", "there"):
        (root / side).mkdir()
    for number in range(count):
        zone = f"zone-{number:05}.example."
        config.append(f"  {zone}: {{sources: [here], targets: [there]}}\n")
        for side in ("here", "there"):
            (root / side / f"{zone}yaml").write_text(_ZONE)
    (root / "config.yaml").write_text("".join(config))
    return root / "config.yaml"


def _row(what: str, ours: Command, name: str, peer: Command) -> Row:
    mine, others = in_turn([ours, peer], 1)
    ratio = others.cpu / mine.cpu
    return Row(what, cost(mine), f"{name}: {cost(others)}; {ratio:.0f} x our CPU time", "", "")


@contextlib.contextmanager
def _installed(package: str) -> Iterator[Path]:
    """The folder with the package's programs, while it is there."""
    with tempfile.TemporaryDirectory(prefix="reconcile-peer-") as folder:
        _run([sys.executable, "-m", "venv", folder])
        programs = Path(folder, "bin")
        _run(
            [
                str(programs / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                package,
            ]
        )
        yield programs


def _run(arguments: Sequence[str]) -> None:
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
