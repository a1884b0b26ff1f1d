"""The address of a database: what is taken, what of it is shown, and that no refusal shows any of it."""

from __future__ import annotations

import pytest

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.settings.kinds import Inbox
from reconciler.core.settings.postgres_url import parse_postgres, refuse_lookalike, refuse_password
from reconciler.core.user_info import without_user_info

WORD = "geh3im-word"


@pytest.mark.parametrize(
    ("text", "name", "hosts"),
    [
        ("postgresql://", "postgresql://", ("",)),
        ("postgres://db/inbox", "postgresql://db/inbox", ("db",)),
        ("postgresql://me@db:5433/inbox", "postgresql://db:5433/inbox?user=me", ("db",)),
        (f"postgresql://me:{WORD}@db/inbox", "postgresql://db/inbox?user=me", ("db",)),
        (
            f"postgresql://me:%40%2F{WORD}@a,b:6/x?sslmode=verify-full",
            "postgresql://a,b:6/x?user=me&sslmode=verify-full",
            ("a", "b"),
        ),
        (f"postgresql://db/x?password={WORD}&user=me", "postgresql://db/x?user=me", ("db",)),
        (f"postgresql://db/x?pass%77ord={WORD}&sslpassword={WORD}", "postgresql://db/x", ("db",)),
        ("postgresql://[::1]:5432/x", "postgresql://[::1]:5432/x", ("[::1]",)),
        ("postgresql:///x?service=inbox", "postgresql:///x?service=inbox", ("",)),
        ("postgresql://%2Fvar%2Frun/x", "postgresql://%2Fvar%2Frun/x", ("/var/run",)),
    ],
)
def test_an_address_and_what_is_shown_of_it(text: str, name: str, hosts: tuple[str, ...]) -> None:
    place = parse_postgres(text)
    assert (place.name, place.hosts, str(place)) == (name, hosts, name)
    assert (WORD in text) == any(WORD in secret for secret in place.secrets)
    assert WORD not in repr(place) + name
    assert without_user_info(name) == name  # it is printed whole, and can be pasted
    again = parse_postgres(name)
    assert again.name == name
    assert not again.secrets
    assert again.hosts == hosts


def test_a_password_is_known_as_written_and_as_meant() -> None:
    assert parse_postgres("postgresql://me:a%40b@db/x").secrets == {"a%40b", "a@b"}


@pytest.mark.parametrize(
    "text",
    [
        f"host=db password={WORD}",
        f"password = {WORD} dbname=x",
        f"postgresql:me:{WORD}@db",
        f"postgres:/me:{WORD}@db/x",
        f"Postgresql:/x?password={WORD}",
    ],
)
def test_another_form_is_no_name_of_a_file(text: str) -> None:
    with pytest.raises(InvalidInput, match="begins with postgresql://") as caught:
        refuse_lookalike(text)
    assert WORD not in f"{caught.value.message} {caught.value.hint}"
    with pytest.raises(InvalidInput, match="begins with postgresql://"):
        Inbox().parse(text, True)


@pytest.mark.parametrize("file", ["inbox.db", "a=b.db", "postgres.db", "C:/inbox.db", "my host=x.db"])
def test_names_of_files_that_look_a_little_like_it(file: str) -> None:
    refuse_lookalike(file)
    assert Inbox().parse(file, True) == file


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{WORD}@db/x",
        f"postgresql:/me:{WORD}@db/x",
        f"postgresql://me:{WORD}@{WORD}@db/x",
        f"postgresql://me:12/{WORD}@db/x",
        f"postgresql://me:12?{WORD}@db/x",
        f"postgresql://me:{WORD} @db/x",
        f"postgresql://me:{WORD}\n@db/x",
        f"postgresql://me:{WORD}%zz@db/x",
        f"postgresql://me:{WORD}ü@db/x",
        f"postgresql://me:{WORD}@db:99999/x",
        f"postgresql://me:{WORD}@db:0/x",
        f"postgresql://me:{WORD}@db:x/x",
        f"postgresql://me:{WORD}@d b/x",
        f"postgresql://me:{WORD}@db/x/y",
        f"postgresql://me:{WORD}@db/x?sslmod=require",
        f"postgresql://me:{WORD}@db/x?replication=database",
        f"postgresql://me:{WORD}@db/x?sslmode",
        f"postgresql://me:{WORD}@db/x?sslmode=a&sslmode=b",
        f"postgresql://me:{WORD}@db/x?user=%00",
        f"postgresql://me:{WORD}@db/x#part",
        f"postgresql://me:{WORD}@db/{'x' * 3000}",
        f"postgresql://db/x?password={WORD}&password={WORD}",
    ],
)
def test_no_refusal_shows_any_of_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_postgres(text)
    assert WORD not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://me:{WORD}@db/x?sslmode=require",
        f"postgres://db/x?user=me&sslmode=require&password={WORD}",
    ],
)
def test_a_password_on_the_command_line_is_refused_with_what_to_use(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_password(text, "--inbox")
    assert "must not contain a password" in caught.value.message
    assert caught.value.hint is not None
    assert "--inbox 'postgresql://db/x?user=me&sslmode=require'" in caught.value.hint
    assert WORD not in caught.value.hint
    refuse_password("postgresql://me@db/x", "--inbox")
    refuse_password("inbox.db", "--inbox")
