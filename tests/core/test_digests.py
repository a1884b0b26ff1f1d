"""Digests are the standard library's, whichever code makes them."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from reconciler.core import digests

CONTENT = (b"", b"x", "é".encode() * 70_000)


@pytest.mark.parametrize("left", [1 << 30, -1], ids=["own code", "OpenSSL"])
@pytest.mark.parametrize("own", [True, False], ids=["built in", "left out"])
def test_digests_are_those_of_hashlib(monkeypatch: pytest.MonkeyPatch, left: int, own: bool) -> None:
    monkeypatch.setattr(digests, "_left", left)
    monkeypatch.setattr(digests, "_own", {})
    monkeypatch.setattr(digests, "_openssl", {})
    if not own:
        for name in ("_sha1", "_sha2", "_sha256"):
            monkeypatch.setitem(sys.modules, name, None)  # so that importing it fails
    for content in CONTENT:
        for digest, theirs in ((digests.sha1, hashlib.sha1), (digests.sha256, hashlib.sha256)):
            assert digest(content) == digest(b"", content) == theirs(content).hexdigest()
            assert digest(b"head", content) == theirs(b"head" + content).hexdigest()


def test_a_few_files_do_not_load_openssl_and_many_do() -> None:
    code = """
import sys
from reconciler.core.digests import sha1, sha256
def loads(count):
    for _ in range(count): sha1(bytes(1024)), sha256(bytes(1024))
    return "_hashlib" in sys.modules
print(loads(100), loads(1000))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
