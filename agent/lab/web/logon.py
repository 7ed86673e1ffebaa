"""Logons as IIS asks for them: the challenges of a directory, and the state of one connection's logon."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.lab.logon import Acceptor, LogonRefused, Secrets
from agent.lab.web.message import Request, Response
from agent.lab.web.pages import (
    ACCOUNT_LOCKED_OUT,
    LOGON_FAILED,
    LOGON_FAILURE,
    LOGON_NEEDED,
    PASSWORD_EXPIRED,
    error_page,
)
from agent.lab.web.places import BASIC, INTEGRATED, Place
from agent.lab.world.accounts import Logon, User

_WIN32 = {Logon.LOCKED: ACCOUNT_LOCKED_OUT, Logon.EXPIRED: PASSWORD_EXPIRED, Logon.DISABLED: 1331}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a directory asks of a visitor: which schemes, and the realm Basic names."""

    schemes: tuple[str, ...]
    realm: str
    culture: str

    @classmethod
    def of(cls, place: Place, host: str, culture: str) -> Entry:
        """The schemes of AuthFlags and NTAuthenticationProviders, in the order IIS 6 offers them. domain 2.8"""
        schemes = list(place.providers) if place.auth_flags & INTEGRATED else []
        if place.auth_flags & BASIC:
            schemes.append("Basic")
        return cls(tuple(schemes), place.text("Realm") or host, culture)

    def challenge(self, logon: Logon | None = None) -> Response:
        """401 with every scheme on offer: 401.2 before a logon was tried, 401.1 after it failed."""
        fault = LOGON_NEEDED if logon is None else LOGON_FAILED
        win32 = None if logon is None else _WIN32.get(logon, LOGON_FAILURE)
        response = error_page(fault, self.culture, win32=win32)
        for scheme in self.schemes:
            offer = f'Basic realm="{self.realm}"' if scheme == "Basic" else scheme
            response.headers.append(("WWW-Authenticate", offer))
        return response


class Visitor(Protocol):
    """Who asks on a connection."""

    user: User | None
    name: str

    def attempt(self, request: Request, entry: Entry) -> Response | str:
        """What to answer while nobody is logged on; once `user` is, the token to hand over, mostly empty."""


class Insider:
    """The machine's own ActiveSync, which acts as a user towards its own /Exchange: by Negotiate, or not at all."""

    __slots__ = ("name", "user")

    def __init__(self, user: User) -> None:
        self.user: User | None = user
        self.name = user.qualified

    def attempt(self, request: Request, entry: Entry) -> Response | str:
        """Granted where the directory offers Negotiate. KB817379"""
        return "" if "Negotiate" in entry.schemes else entry.challenge()


class ConnectionLogon:
    """The logon of one connection: NTLM belongs to the connection, Basic to each request."""

    __slots__ = ("_acceptor", "_note", "_secrets", "name", "password", "user")

    def __init__(self, secrets: Secrets, note: Callable[[bool], None]) -> None:
        """`note` is told of each logon that was granted or refused."""
        self._secrets = secrets
        self._note = note
        self._acceptor: Acceptor | None = None
        self.user: User | None = None
        self.name = ""
        self.password = ""

    def attempt(self, request: Request, entry: Entry) -> Response | str:
        """What to answer while nobody is logged on; once `user` is, the token to hand over, mostly empty."""
        scheme, _, credentials = request.header("Authorization").partition(" ")
        offered = next((each for each in entry.schemes if each.lower() == scheme.lower()), None)
        if offered is None:
            keeps = self.user is not None and not scheme and self._acceptor is not None
            return "" if keeps else self._forget(entry.challenge())
        try:
            if offered == "Basic":
                return self._basic(credentials, entry)
            return self._integrated(offered, base64.b64decode(credentials, validate=True), entry)
        except (binascii.Error, UnicodeDecodeError):
            return self._forget(Response(400, [("Content-Type", "text/html")], b"<h1>Bad Request</h1>"))
        except LogonRefused as refused:
            self._note(False)
            return self._forget(entry.challenge(refused.logon))

    def _basic(self, credentials: str, entry: Entry) -> Response | str:
        # RFC 7617; the name and password of IIS 6 clients are in the ANSI code page.
        raw = base64.b64decode(credentials, validate=True)
        text = raw.decode() if _is_utf8(raw) else raw.decode("latin-1")
        name, _, password = text.partition(":")
        logon = self._secrets.accounts.check(name, password)
        if logon is not Logon.GRANTED:
            raise LogonRefused(logon)
        self._note(True)
        self.user, self.name, self.password = self._secrets.accounts.find(name), name, password
        self._acceptor = None
        return ""

    def _integrated(self, scheme: str, token: bytes, entry: Entry) -> Response | str:
        if self._acceptor is None or self._acceptor.complete:
            self._acceptor = Acceptor(self._secrets, scheme.lower())
            self.user = None
        answer = base64.b64encode(self._acceptor.step(token) or b"").decode()
        if self._acceptor.user is None:
            response = error_page(LOGON_FAILED, entry.culture, win32=0)
            response.headers.append(("WWW-Authenticate", f"{scheme} {answer}"))
            return response
        self._note(True)
        self.user, self.name = self._acceptor.user, self._acceptor.user.qualified
        return f"{scheme} {answer}" if answer else ""

    def _forget(self, response: Response) -> Response:
        self.user, self._acceptor, self.name, self.password = None, None, "", ""
        return response


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
