"""Owns standard output and standard error as a process finds them: closed, full, or read by nobody any more.

What is done to servers must not break off because somebody looked away: words that cannot be written are dropped, the
work goes on and is recorded, and the exit code stays that of the work.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any, TextIO, cast


class Outlet:
    """A stream that remembers why it could not be written, and drops what comes after; the rest is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write, where that goes."""
        if self.error is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring out what was written, where that goes."""
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """What is still in the stream's memory goes nowhere, so that Python can end in peace."""
        self.error = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_outlets() -> None:
    """Before anything else is opened: a file of ours must never become what others take for standard output."""
    if sys.stdin is None:
        sys.stdin = _nowhere("r")
    if sys.stdout is None:
        sys.stdout = _nowhere("w")
    if sys.stderr is None:
        sys.stderr = _nowhere("w")
    sys.stdout, sys.stderr = cast(TextIO, Outlet(sys.stdout)), cast(TextIO, Outlet(sys.stderr))


def _nowhere(mode: str) -> TextIO:
    return cast(TextIO, Path(os.devnull).open(mode, encoding="utf-8"))


def settle(code: int) -> int:
    """The exit code, worse where the answer is wanted and could not be written; a reader who went wants no more."""
    sys.stdout.flush()
    sys.stderr.flush()
    error = sys.stdout.error if isinstance(sys.stdout, Outlet) else None
    if error is None or error.errno == errno.EPIPE:
        return code
    from agent.exits import Exit, worst

    hint = f"The work itself ended with exit code {code}; what was changed stands in the journal: easfix history"
    print(f"easfix: the answer could not be written: {error.strerror}\n        {hint}", file=sys.stderr, flush=True)
    return int(worst((Exit(code), Exit.UNCERTAIN)))
