"""The process that reads pages: bytes of a page on standard input, what was found on standard output.

A page is written by anybody, and parsers are written in C. So they run where nothing else is: without the environment's
secrets, with a limit on memory, and ended when a page takes too long. One frame is asked at a time: the lengths of head
and body as two numbers of four bytes, the head as JSON, the body. The answer is a length and JSON; the first one is
empty, and says that all libraries are there.
"""

from __future__ import annotations

import json
import struct
import sys
from contextlib import suppress
from typing import Any, BinaryIO

FRAME = struct.Struct("!II")
ANSWER = struct.Struct("!I")


def _limited(memory: int) -> None:
    """Where the system can: not on Windows, and macOS takes no notice of it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _alarm(seconds: int) -> None:
    """Ends this process if a page takes much longer than it may, in case that whoever waits for it is gone."""
    with suppress(ImportError, AttributeError):
        import signal

        signal.alarm(seconds)


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    from reconciler.adapters.web.page_text import read

    read(b"<html><body><p>A page, so that the libraries are imported.</p></body></html>", "text/html", "")
    _send(answers, {})
    while len(lengths := asked.read(FRAME.size)) == FRAME.size:
        head_length, body_length = FRAME.unpack(lengths)
        head = json.loads(asked.read(head_length))
        body = asked.read(body_length)
        _alarm(int(head["seconds"]) + 15)
        try:
            answer = read(body, head["media_type"], head["charset"])._asdict()
        except Exception as error:  # whatever a library makes of a hostile page: the next one is read
            answer = {"failed": type(error).__name__}
        _alarm(0)
        _send(answers, answer)


def _send(answers: BinaryIO, answer: dict[str, Any]) -> None:
    content = json.dumps(answer).encode()
    answers.write(ANSWER.pack(len(content)) + content)
    answers.flush()


def main() -> None:
    _limited(int(sys.argv[1]))
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints is no answer
    serve(sys.stdin.buffer, answers)
