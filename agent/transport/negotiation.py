"""Owns the tokens of a logon to a web site: Kerberos where the name and this machine allow it, NTLM otherwise."""

from __future__ import annotations

import sys
from typing import Any

import spnego
from spnego.exceptions import FeatureMissingError

from agent.errors import ServerError
from agent.model import Auth
from agent.transport.credentials import Credentials
from agent.transport.faults import Stage, describe
from agent.transport.gate import Blame
from agent.transport.logon import SERVICE, NoKerberos, from_server, logon_errors
from agent.transport.translation import blame, translate


class LogonFailed(Exception):  # noqa: N818 - a fact, which becomes the verdict of a probe
    """No token came about: what is wrong, in our words, and what it says about the account."""

    def __init__(self, error: ServerError, blame: Blame) -> None:
        super().__init__(error.message)
        self.error = error
        self.blame = blame


class Negotiation:
    """The client's side of one logon on one connection, for the web site of the server of this name."""

    def __init__(self, credentials: Credentials, auth: Auth, host: str) -> None:
        self._credentials = credentials
        self._host = host
        self._auth = auth
        self._context: Any = None  # pyspnego's context proxies differ by protocol

    @property
    def protocol(self) -> str:
        """What is spoken: "kerberos" or "ntlm"; empty before the first token."""
        return "" if self._context is None else str(self._context.negotiated_protocol or "")

    def step(self, token: bytes | None = None) -> bytes:
        """The next token to send, empty when there is nothing more to say; raises LogonFailed."""
        try:
            if self._context is None:
                return self._first()
            return b"" if self._context.complete else self._context.step(token) or b""
        except Exception as error:  # whatever a token of the server brings about
            fault = describe(from_server(error) if token else error, Stage.OPENING)
            raise LogonFailed(translate(self._host, fault), blame(fault)) from error

    def _first(self) -> bytes:
        """NTLM only where Kerberos did not get as far as the password, which would count twice (see Logon)."""
        if self._auth is not Auth.NEGOTIATE or sys.platform == "win32":
            return self._begin(self._auth)
        if not self._credentials.is_principal:
            return self._begin(Auth.NTLM)
        try:
            return self._begin(Auth.KERBEROS)
        except _errors() as error:
            if self._credentials.password is None or blame(describe(error, Stage.OPENING)) is Blame.CERTAINLY:
                raise
            return self._begin(Auth.NTLM)

    def _begin(self, auth: Auth) -> bytes:
        secret = self._credentials.password
        try:
            context = spnego.client(
                self._credentials.user or None,
                secret.reveal() if secret else None,
                hostname=self._host,
                service=SERVICE,
                protocol=auth.value,
                options=spnego.NegotiateOptions.none,
            )
            token: bytes = context.step() or b""
        except (FeatureMissingError, ImportError) as error:
            raise NoKerberos(str(error)) from error
        self._context = context
        return token


def _errors() -> tuple[type[Exception], ...]:
    """What a logon fails with; ValueError is a token of the server that makes no sense."""
    return (*logon_errors(), ValueError)
