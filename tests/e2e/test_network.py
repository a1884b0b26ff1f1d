"""A platform that cannot be reached, or must not be: nothing was made, and the message says why."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project


def test_a_platform_that_is_down(bare: Project) -> None:
    ran = bare.apply("--format", "json").ended(1, "127.0.0.1:9 refuses connections", "LINGO_API_URL")
    assert ran.json["outcome"]["counts"]["not_started"] == 1
    assert not bare.lockfile.exists()
    bare.run("plan", "--detailed-exitcode").ended(2)


def test_a_name_that_does_not_exist(bare: Project) -> None:
    bare.url = "https://no-such-host.invalid"
    bare.apply().ended(1, "the host name of no-such-host.invalid cannot be resolved", "DNS")
    assert not bare.lockfile.exists()


@pytest.mark.parametrize("url", ["http://platform.example", "ftp://127.0.0.1", "127.0.0.1:8787", "https://"])
def test_an_address_that_the_key_is_not_sent_to(bare: Project, url: str) -> None:
    bare.url = url
    ran = bare.apply("--format", "json").ended(3, "LINGO_API_URL", "hint:")
    assert ran.json["exitCode"] == 3
    assert not bare.private.exists()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[int]:
    """The port of a TLS server whose certificate nobody signed but itself. What clients send, it never reads."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("openssl cannot make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_refuse_each, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _refuse_each(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the end of the test
            return
        with connection:
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError):
                continue


def test_a_certificate_that_nobody_signed(bare: Project, tls_server: int) -> None:
    bare.url = f"https://localhost:{tls_server}"
    bare.apply().ended(1, f"the certificate of localhost:{tls_server} is not trusted", "SSL_CERT_FILE")
    assert not bare.lockfile.exists()


def test_a_certificate_that_is_trusted_on_request(bare: Project, tls_server: int, tmp_path: Path) -> None:
    """Then the connection is made, and cut without an answer: uncertain, since the call may have been sent."""
    bare.url = f"https://localhost:{tls_server}"
    certificates = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
    bare.run("apply", "--yes", env=certificates).ended(7, "reconcile resolve acme")


def test_https_to_a_server_that_speaks_http(project: Project) -> None:
    assert project.url is not None
    project.url = project.url.replace("http:", "https:")
    project.apply("--only", "acme").ended(1, "no secure connection to 127.0.0.1", "https")
