"""Owns what one question brought, whoever asked: an answer in HTTP, or the trouble that came instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PATH = "/Microsoft-Server-ActiveSync"  # where the proxy sends its requests (domain 1.2)

MOST_VALUES, MOST_VALUE = 16, 2048  # of WWW-Authenticate: values, and characters of one
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s|,|$)")


class Trouble(StrEnum):
    """Why there was no answer in HTTP."""

    NAME = "name"  # the name cannot be resolved
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    BROKEN_OFF = "broken-off"
    NO_HTTP = "no-http"  # bytes came that are no answer, or too many of them
    CERTIFICATE = "certificate"  # it cannot be verified
    TLS = "tls"  # no secure channel came about


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `trouble` is None exactly where `status` is not."""

    status: int | None = None
    authenticate: tuple[str, ...] = ()  # values of WWW-Authenticate
    location: str = ""
    server: str = ""
    body: str = ""  # its beginning
    trouble: Trouble | None = None
    message: str = ""  # what the system said of the trouble
    latency_ms: float | None = None
    headers: tuple[tuple[str, str], ...] = ()  # all of them, names in lower case
    content: bytes = b""  # the beginning of the body as it came
    received: int = 0  # bytes of the answer, as far as they were read
    is_sent: bool = False  # the connection came about and the question went out
    is_cut: bool = False  # the body was longer than is looked at

    def header(self, name: str) -> str:
        """The first value of a header; empty where there is none."""
        return next((value for found, value in self.headers if found == name.lower()), "")

    @property
    def schemes(self) -> tuple[str, ...]:
        """The ways to log on that are offered, each once, in their order and spelling."""
        values = [_QUOTED.sub("", value[:MOST_VALUE]) for value in self.authenticate[:MOST_VALUES]]
        found = [scheme for value in values for scheme in _SCHEME.findall(value)]
        return tuple(dict.fromkeys(found))

    def offers(self, scheme: str) -> bool:
        """This way to log on is offered."""
        return scheme.lower() in (offered.lower() for offered in self.schemes)
