"""Engines that somebody makes on the platform by other means than the command."""

from __future__ import annotations

import httpx

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY


def made_elsewhere(platform: SandboxServer, *names: str) -> list[str]:
    """Their IDs, in the order of the names."""
    with httpx.Client(base_url=platform.url, headers={"X-API-Key": KEY}, trust_env=False) as client:
        answers = [
            client.post("/jobs/provisioning", json={"engine": {"name": name}, "locales": ["de"]})
            for name in names
        ]
    return [str(one.raise_for_status().json()["engineId"]) for one in answers]
