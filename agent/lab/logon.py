"""Logons over the wire, shared by WinRM and IIS: NTLM and Negotiate accepted against the users of the forest."""

from __future__ import annotations

import base64
import os
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spnego
from spnego._ntlm_raw.crypto import ntowfv1
from spnego.exceptions import NegotiateOptions, SpnegoError

from agent.lab.world.accounts import Accounts, Logon, User

# pyspnego reads its NTLM secrets from a file the environment names, for the whole process. The variable is set only
# inside this lock, for the length of one step, so that several forests can live in one process.
_ENVIRONMENT = threading.Lock()
_NTLM_FILE, _KEYTAB = "NTLM_USER_FILE", "KRB5_KTNAME"

# [MS-NLMP] 2.2.1: a raw NTLM message, and the type that carries the user's name.
_SIGNATURE = b"NTLMSSP\x00"
_AUTHENTICATE = b"\x03\x00\x00\x00"

# pyspnego's own SPNEGO, so that NTLM and Kerberos (by keytab) go through one acceptor.
_OPTIONS = {"negotiate": NegotiateOptions.use_negotiate, "ntlm": NegotiateOptions.use_ntlm}

# What pyspnego raises for a token that is refused, or that no client would send: it lets through what it stumbles over.
_UNREADABLE = (SpnegoError, ValueError, LookupError, ArithmeticError, StopIteration, struct.error)


class LogonRefused(Exception):  # noqa: N818 - what happened, in the words of Windows
    """The client did not prove who it is; `logon` says why, `user` whose name it gave where that is known."""

    def __init__(self, logon: Logon, user: User | None = None) -> None:
        super().__init__(logon.value)
        self.logon = logon
        self.user = user


class Secrets:
    """The NTLM secrets of one forest in the form pyspnego reads: hashes in a private file.

    It holds those of the user who logs on now: pyspnego reads the file from its beginning at each logon.
    """

    def __init__(self, accounts: Accounts, keytab: str | None = None) -> None:
        self.accounts = accounts
        self.keytab = keytab
        self._known: tuple[str, str] | None = None
        handle, name = tempfile.mkstemp(prefix="lab-ntlm-")
        os.close(handle)
        self._path = Path(name)

    def close(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def in_force(self, user: User | None = None) -> Iterator[None]:
        """Let pyspnego see the secrets of this user, and of nobody else, for the length of the block.

        Without a user nothing is looked up: the first messages of a logon name nobody, and only need the file.
        """
        with _ENVIRONMENT:
            self._refresh(user)
            before = {name: os.environ.get(name) for name in (_NTLM_FILE, _KEYTAB)}
            os.environ[_NTLM_FILE] = str(self._path)
            if self.keytab:
                os.environ[_KEYTAB] = self.keytab
            try:
                yield
            finally:
                for name, value in before.items():
                    _restore(name, value)

    def _refresh(self, user: User | None) -> None:
        wanted = self._known if user is None else (user.name, user.password)
        if wanted != self._known or not self._path.exists():
            self._path.write_text("\n".join(self._lines(user)) if user else "", encoding="utf-8")
            self._path.chmod(0o600)
            self._known = None if user is None else wanted

    def _lines(self, user: User) -> list[str]:
        # The smbpasswd form, because a password may hold ":".
        digest = base64.b16encode(ntowfv1(user.password)).decode()
        names = (user.qualified, f"{self.accounts.dns}\\{user.name}", user.name, user.upn or user.name)
        return [f"{name}:0:{'0' * 32}:{digest}:[U]:LCT-0" for name in dict.fromkeys(names)]


class Acceptor:
    """The server side of one logon over one connection; `step` until `complete`."""

    def __init__(self, secrets: Secrets, protocol: str = "negotiate", service: str = "HTTP") -> None:
        """`protocol` is "ntlm" or "negotiate"; raw NTLM inside Negotiate is understood too."""
        self._secrets = secrets
        self.user: User | None = None
        with secrets.in_force():
            # Any: pyspnego's context proxies differ by protocol.
            self.context: Any = spnego.server(protocol=protocol, service=service, options=_OPTIONS[protocol])

    @property
    def complete(self) -> bool:
        """True once the client has proved who it is and may log on."""
        return self.user is not None

    def step(self, token: bytes) -> bytes | None:
        """The token to answer with; raises LogonRefused, which counts as a bad password where one was tried."""
        if not token:
            raise LogonRefused(Logon.NO_SUCH_USER)
        named = claimed_user(token)
        user = self._secrets.accounts.find(named) if named else None
        try:
            with self._secrets.in_force(user):
                answer: bytes | None = self.context.step(token)
        except _UNREADABLE as error:
            raise self._refusal(named, user) from error
        if self.context.complete:
            self._settle(user or self._secrets.accounts.find(str(self.context.client_principal)))
        return answer

    def _refusal(self, named: str, user: User | None) -> LogonRefused:
        if user is None or not named:
            return LogonRefused(Logon.NO_SUCH_USER)
        return LogonRefused(self._secrets.accounts.settle(user, proved=False), user)

    def _settle(self, user: User | None) -> None:
        if user is None:
            raise LogonRefused(Logon.NO_SUCH_USER)
        if (logon := self._secrets.accounts.settle(user, proved=True)) is not Logon.GRANTED:
            raise LogonRefused(logon, user)
        self.user = user


def claimed_user(token: bytes) -> str:
    """The user an NTLM AUTHENTICATE message inside this token names; empty for any other token."""
    start = token.find(_SIGNATURE)
    if start < 0 or token[start + 8 : start + 12] != _AUTHENTICATE:
        return ""
    message = token[start:]
    domain, user = _field(message, 28), _field(message, 36)
    return f"{domain}\\{user}" if domain else user


def _field(message: bytes, at: int) -> str:
    # [MS-NLMP] 2.2.1.3: length, maximum length, offset of DomainName (28) and UserName (36).
    length, offset = int.from_bytes(message[at : at + 2], "little"), int.from_bytes(message[at + 4 : at + 8], "little")
    return message[offset : offset + length].decode("utf-16-le", "replace")


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


class Initiator:
    """The client side of a logon with a user's own password: Negotiate with NTLM inside, never Kerberos or a cache."""

    def __init__(self, name: str, password: str) -> None:
        self.name = name
        credential = spnego.NTLMHash(name, nt_hash=ntowfv1(password).hex())
        # Any: pyspnego's context proxies differ by protocol.
        self._context: Any = spnego.client(credential, protocol="negotiate", options=NegotiateOptions.use_negotiate)

    def step(self, token: bytes | None = None) -> bytes | None:
        """The next token to send; None when there is nothing more to say or the answer makes no sense."""
        try:
            answer: bytes | None = None if self._context.complete else self._context.step(token)
        except _UNREADABLE:
            return None
        return answer
