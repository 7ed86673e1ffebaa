"""A service on loopback that takes notifications and keeps them, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agent.notify import Address

TOKEN = "t0ken-Kanari-4711"


class Mailbox(ThreadingHTTPServer):
    """Takes Apprise's json:// messages, and answers as it is told to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.status = 200
        self.letters: list[dict[str, Any]] = []
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        """Where it takes messages; the token stands in it twice."""
        return f"json://easfix:{TOKEN}@127.0.0.1:{self.server_address[1]}/{TOKEN}"

    def address(self, where: str = "notify[0]") -> Address:
        """The same for the one who tells."""
        return Address(where, self.url)

    def only(self) -> tuple[str, list[str]]:
        """Title and lines of the only message."""
        (letter,) = self.letters
        return letter["title"], letter["message"].splitlines()


class Taker(BaseHTTPRequestHandler):
    """One message."""

    server: Mailbox

    def do_POST(self) -> None:
        """Keep it, then answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.letters.append({**json.loads(body), "authorization": self.headers["Authorization"]})
        self.server.asked.release()
        self.server.may_answer.wait(60)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the screen."""


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Takes messages until the end of the block."""
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.may_answer.set()
            server.shutdown()
            thread.join()
