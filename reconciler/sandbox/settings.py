"""What a sandbox can be told when it starts; every setting has a default that suits a first try."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.core.frozen import dataclass
from reconciler.sandbox.signing import is_secret


@dataclass(frozen=True)
class SandboxSettings:
    """Raises `UsageError` for values that make no sense together with what they mean."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: pick a free one
    latency: float = 0.0  # seconds added before each HTTP answer
    job_seconds: float = 2.0  # how long a job with sources runs
    fail_rate: float = 0.0  # share of the jobs with sources that end failed
    state_file: Path | None = None  # SQLite; None: everything is forgotten at the end
    api_keys: tuple[str, ...] = ("sandbox-key",)  # the X-API-Key values that are accepted
    webhook_secret: str | None = None  # whsec_…; None: made when the first job with a callbackUrl comes
    webhook_retry: tuple[float, ...] = (0.5, 1, 2, 4, 8)  # seconds between the tries of one delivery

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"{self.port} is not a port number", hint="use 0 to 65535; 0 picks a free port")
        if not 0 <= self.fail_rate <= 1:
            raise UsageError(
                f"a fail rate of {self.fail_rate:g} is not between 0 and 1", hint="use 0 to 1, such as 0.2"
            )
        if self.latency < 0 or self.job_seconds < 0 or min(self.webhook_retry, default=0) < 0:
            raise UsageError("the sandbox cannot wait for a negative time", hint="use seconds from 0 upwards")
        if self.webhook_secret is not None and not is_secret(self.webhook_secret):
            raise UsageError(
                "invalid webhook secret", hint="use whsec_ followed by the base64 of 24 to 64 bytes"
            )
