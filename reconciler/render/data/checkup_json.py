"""What `reconcile doctor` found, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.core.checkup import Finding
from reconciler.render.data.json_view import SCHEMA_VERSION, diagnostics_document, render_json


def render_checkup_json(findings: Sequence[Finding], exit_code: int) -> str:
    """`{"checks": [{"check", "verdict", "message", "hint"?, "diagnostics"?}], "exitCode"}`."""
    checks = [_document(one) for one in findings]
    return render_json({"schemaVersion": SCHEMA_VERSION, "checks": checks, "exitCode": int(exit_code)})


def _document(finding: Finding) -> dict[str, Any]:
    document = {"check": finding.check, "verdict": finding.verdict.value, "message": finding.said}
    if finding.hint is not None:
        document["hint"] = finding.hint
    diagnostics = diagnostics_document(finding.diagnostics)
    return {**document, "diagnostics": diagnostics} if diagnostics else document
