"""What an answer to a change in place means, and what a look at the engine says after one that was lost."""

from __future__ import annotations

import pytest

from reconciler.core.engine.spec import Spec
from reconciler.core.platform.engine import (
    Denied,
    Details,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)
from reconciler.core.platform.update import (
    NotUpdated,
    Reach,
    Unconfirmed,
    Updated,
    judge_look,
    judge_missing,
    judge_update,
    wanted_details,
)

WANTED = wanted_details(Spec("Acme ", " \n", ("de", "fr")))
SAYS = b'{"message": "no"}'


@pytest.mark.parametrize("body", [b"", b" \n", b'{"id": "eng_1"}', b"[]", b"null"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_done(status: int, body: bytes) -> None:
    assert judge_update("eng_1", status, body) == Updated("eng_1")


@pytest.mark.parametrize("body", [b"<html>", b'{"id": "eng_', b'{"id": "\xff\xfe'])
def test_a_page_or_half_an_answer_is_not_the_platforms(body: bytes) -> None:
    assert isinstance(judge_update("eng_1", 200, body), Unconfirmed)


@pytest.mark.parametrize(
    ("status", "reach"),
    [
        (400, Reach.ENGINE),
        (409, Reach.ENGINE),
        (413, Reach.ENGINE),
        (422, Reach.ENGINE),
        (405, Reach.UPDATES),
        (501, Reach.UPDATES),
        (301, Reach.RUN),
        (307, Reach.RUN),
        (401, Reach.RUN),
        (402, Reach.RUN),
        (403, Reach.RUN),
        (407, Reach.RUN),
        (429, Reach.RUN),
    ],
)
def test_refused(status: int, reach: Reach) -> None:
    answer = judge_update("eng_1", status, SAYS)
    assert isinstance(answer, NotUpdated)
    assert (answer.status, answer.reach, answer.gone) == (status, reach, False)
    assert answer.about_spec is (status in (400, 413, 422))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_unknown(status: int) -> None:
    answer = judge_update("eng_1", status, SAYS)
    assert isinstance(answer, Unconfirmed)
    assert str(status) in answer.reason


def found(name: str | None, description: str | None, locales: tuple[str, ...] | None) -> Found:
    return Found(Details(), Details(name, description, locales))


def test_a_look_shows_the_new_values_or_others() -> None:
    assert judge_look("eng_1", found("Acme", "", ("fr", "de")), WANTED) == Updated("eng_1")
    for other in (
        found("Acme Corp", "", ("de", "fr")),
        found("Acme", "Production", ("de", "fr")),
        found("Acme", "", ("de",)),
        found("Acme", "", None),  # what it does not tell is not taken for done
        found("Acme", None, ("de", "fr")),
        found(None, "", ("de", "fr")),
    ):
        assert judge_look("eng_1", other, WANTED) is None


@pytest.mark.parametrize(
    "seen",
    [Throttled("quota"), Unreadable("no answer"), NotOffered(405)],
    ids=lambda seen: type(seen).__name__,
)
def test_an_engine_that_cannot_be_read_stays_unknown(seen: EngineAnswer) -> None:
    assert isinstance(judge_look("eng_1", seen, WANTED), Unconfirmed)


def test_a_look_that_is_refused() -> None:
    gone = judge_look("eng_1", Gone(), WANTED)
    assert isinstance(gone, NotUpdated)
    assert gone.gone
    denied = judge_look("eng_1", Denied(401, "no key"), WANTED)
    assert isinstance(denied, NotUpdated)
    assert (denied.reach, denied.status) == (Reach.RUN, 401)


def test_a_404_is_about_the_engine_or_about_the_endpoint() -> None:
    assert judge_missing(Gone(), SAYS).gone
    assert judge_missing(Unreadable("no answer"), SAYS).gone
    assert judge_missing(found("Acme", "", ()), SAYS).reach is Reach.UPDATES
    assert judge_missing(Gone(), b"<html>404</html>").reach is Reach.UPDATES
    assert judge_missing(Gone(), b"").reach is Reach.UPDATES
