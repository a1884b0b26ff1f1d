"""The seal: what shows that a run with our API key wrote a record, a lease or a published lockfile to the ledger.

Many may push to the ledger's ref who have no business with the engines. So everything on it carries an HMAC-SHA256
whose key is derived from the API key (HKDF, RFC 5869) for one repository and one ledger: a fact that is copied to
another repository, environment or operation does not verify there. The API key itself is written nowhere.

What does not verify is never believed: it may be forged, or from a run whose key was rotated since.
"""

from __future__ import annotations

import hmac
import re

from reconciler.core.frozen import dataclass, field
from reconciler.core.patterns import lazy_pattern

VERSION = "1"
RECORD, LEASE, PUBLISHED = "record", "lease", "published"  # kinds of what is sealed: none passes for another

_DEFAULT_PORTS = {"ssh": "22", "git+ssh": "22", "https": "443", "http": "80", "git": "9418"}
_ANY_CASE = frozenset(
    {"github.com", "gitlab.com", "bitbucket.org"}
)  # where the case of a path does not count
_URL = lazy_pattern(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>.*)", re.DOTALL)
_SCP = lazy_pattern(r"(?P<authority>\[[^\]/]*\]|[^/:\[][^/:]*):(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals for one ledger, and checks those of others. The key is derived, and never shown."""

    key: bytes = field(repr=False)

    def of(self, kind: str, text: str) -> str:
        """The seal on a text of this kind, as hex digits."""
        message = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, message, "sha256").hex()

    def fits(self, kind: str, text: str, seal: object) -> bool:
        """Whether this is the seal on that text. Anything at all may stand in its place."""
        if not isinstance(seal, str) or not seal.isascii():
            return False
        return hmac.compare_digest(self.of(kind, text), seal)


def seal_for(api_key: str, repository: str, ledger: str) -> Seal:
    """The seal of those who have this key, for one ledger. `repository` is the remote's address in any spelling, or an
    absolute path; `ledger` is the ref, which names environment and project.
    """
    info = "\0".join(("reconcile ledger", VERSION, repository_name(repository), ledger))
    return Seal(derive(api_key.encode(), b"", info.encode("utf-8", "surrogatepass"), 32))


def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256."""
    key = hmac.digest(salt or bytes(32), secret, "sha256")
    output, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def repository_name(address: str) -> str:
    """Host and path of a repository, however its address is spelled: by HTTPS, SSH or the short form of SSH, with user
    info, default port, `.git` and slashes at the end or without. A path of this machine stays a path.
    """
    if (url := _URL.fullmatch(address)) is not None:
        scheme = url["scheme"].lower()
        host = _host(url["authority"], scheme)
        if scheme == "file":
            return f"/{_path(url['path'])}"
    elif (short := _SCP.fullmatch(address)) is not None:
        url, host = short, _host(short["authority"], "")
    else:
        return f"/{_path(address)}"
    path = _path(url["path"])
    return f"{host}/{path.lower() if host in _ANY_CASE else path}"


def _host(authority: str, scheme: str) -> str:
    host = authority.rpartition("@")[2].lower()
    return host.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}").rstrip(".")


def _path(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    return "/".join(parts).removesuffix(".git")
