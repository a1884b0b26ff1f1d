"""An encrypted connection, and one that only looks like it. The wheel's server has no OpenSSL; Debian's has."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reconciler.adapters.inbox.postgres.store import PostgresStore
from reconciler.core.errors import StorageError
from reconciler.core.settings.postgres_url import parse_postgres
from tests import postgres_server
from tests.adapters.far_ends import Certificate

PASSWORD = "geh3im-word"


@pytest.fixture(scope="module")
def encrypted(certificate: Certificate) -> Iterator[postgres_server.Server]:
    """It wants TLS and a password."""
    try:
        made = postgres_server.Server("debian", postgres_server.new_folder())
    except postgres_server.Missing as error:
        pytest.skip(str(error))
    with contextlib.closing(made):
        for name, source in (("cert.pem", certificate.file), ("key.pem", certificate.key)):
            shutil.copy(source, made.data / name)
            (made.data / name).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(made.data / name, postgres_server.NOBODY, postgres_server.NOBODY)
        made.start()
        with psycopg.connect(made.url(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE me LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute("CREATE DATABASE inbox OWNER me")
        (made.data / "pg_hba.conf").write_text(
            "hostssl all me 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"
        )
        made.end()
        made.start("-c", "ssl=on", "-c", "ssl_cert_file=cert.pem", "-c", "ssl_key_file=key.pem")
        yield made


def opened(url: str) -> contextlib.closing[PostgresStore]:
    return contextlib.closing(PostgresStore(parse_postgres(url)))


def address(server: postgres_server.Server, password: str, host: str, more: str) -> str:
    return f"postgresql://me:{password}@{host}:{server.port}/inbox?{more}"


def test_the_server_is_verified(encrypted: postgres_server.Server, certificate: Certificate) -> None:
    trust = f"sslrootcert={certificate.file}"
    verified = address(encrypted, PASSWORD, "127.0.0.1", f"sslmode=verify-full&{trust}")
    with opened(verified) as store, store.inbox() as inbox:
        assert inbox.last() == 0
        assert [one for one in store.warnings() if "sslmode" in one] == []
    elsewhere = address(
        encrypted, PASSWORD, "other.example", f"hostaddr=127.0.0.1&sslmode=verify-full&{trust}"
    )
    with opened(elsewhere) as store, pytest.raises(StorageError, match="does not match host name"):
        store.inbox()


def test_what_nobody_vouches_for_is_refused(encrypted: postgres_server.Server, tmp_path: Path) -> None:
    from tests.adapters.far_ends import make_certificate

    other = make_certificate(tmp_path)
    url = address(encrypted, PASSWORD, "127.0.0.1", f"sslmode=verify-full&sslrootcert={other.file}")
    with opened(url) as store, pytest.raises(StorageError, match="certificate verify failed"):
        store.inbox()


def test_an_unverified_server_elsewhere_is_warned_of(
    encrypted: postgres_server.Server, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(address(encrypted, PASSWORD, "127.0.0.1", "sslmode=require")) as store:
        store.inbox().close()
        assert [one for one in store.warnings() if "sslmode" in one] == []  # it is this machine
    # Another way to write this machine, which does not look like it.
    with opened(address(encrypted, PASSWORD, "0.0.0.0", "sslmode=require")) as store:  # noqa: S104 # as a target
        store.inbox().close()
        assert "the connection does not verify the server: add sslmode=verify-full" in store.warnings()
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(certificate.file))
    with opened(address(encrypted, PASSWORD, "localhost", "hostaddr=0.0.0.0")) as store:
        store.inbox().close()
        assert [one for one in store.warnings() if "sslmode" in one] == []


@pytest.mark.parametrize("more", ["sslmode=require", "sslmode=disable"])
def test_a_wrong_password_and_no_encryption_are_refused_without_a_word_of_it(
    encrypted: postgres_server.Server, more: str
) -> None:
    wrong = "wr0ng-word"
    with opened(address(encrypted, wrong, "127.0.0.1", more)) as store:
        with pytest.raises(StorageError) as caught:
            store.inbox()
        said = f"{caught.value.message} {caught.value.hint}"
        assert ("password authentication failed" in said) == (more == "sslmode=require")
        assert wrong not in said


def test_a_pgpass_file_has_the_password(encrypted: postgres_server.Server, tmp_path: Path) -> None:
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{encrypted.port}:inbox:me:{PASSWORD}\n")
    file.chmod(0o600)
    url = f"postgresql://me@127.0.0.1:{encrypted.port}/inbox?sslmode=require&passfile={file}"
    with opened(url) as store, store.inbox() as inbox:
        assert inbox.identity
    file.unlink()
    with opened(url) as store, pytest.raises(StorageError, match="no password supplied") as caught:
        store.inbox()
    assert "set PGPASSWORD" in (caught.value.hint or "")
