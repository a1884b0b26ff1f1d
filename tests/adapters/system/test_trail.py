"""What went out and came back, as `--log-level debug` and a crash's log have it."""

from __future__ import annotations

import pytest

from reconciler.adapters.system import trail


def test_an_answer_and_none() -> None:
    with trail.exchange("POST", "https://ci:word@api.example/jobs?token=abc", 240) as answer:
        answer.status, answer.received = 202, 1_088
    with pytest.raises(TimeoutError), trail.exchange("GET", "https://api.example/jobs"):
        raise TimeoutError
    with trail.exchange("GET", "https://api.example/jobs"):
        pass
    answered, failed, silent = (line for _, line in trail.last()[-3:])
    assert answered.startswith("POST https://…@api.example/jobs: 202 in ")
    assert answered.endswith(" ms, 240 bytes sent, 1,088 received")
    assert failed.startswith("GET https://api.example/jobs: no answer, TimeoutError in ")
    assert silent.startswith("GET https://api.example/jobs: no answer in ")


def test_it_keeps_the_last_and_cuts_the_long() -> None:
    heard: list[str] = []
    trail.listen(lambda level, line: heard.append(f"{level} {line}"))
    for number in range(trail.KEPT + 50):
        trail.note(f"{number} " + "x" * 1_000)
    assert len(trail.last()) == trail.KEPT
    assert trail.last()[0][1].startswith("50 x")
    assert {len(line) for _, line in trail.last()} == {trail.LONGEST + 1}
    assert len(heard) == trail.KEPT + 50
    assert heard[0].startswith("debug 0 x")
