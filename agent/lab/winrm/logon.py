"""Owns the logon state of one connection: Authorization headers in, a user and a sealing context out."""

from __future__ import annotations

import base64
import binascii
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.lab.logon import Acceptor, LogonRefused, Secrets
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.sealing import KERBEROS, SPNEGO
from agent.lab.world.accounts import Accounts, User

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

# The largest difference of clocks a ticket survives: the default domain policy. RFC 4120 1.6
KERBEROS_SKEW_SECONDS = 300.0
CHALLENGES = (("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "Kerberos"))  # domain 6.1: no Basic
SCRIPT_THREADS = 64


class Authority:
    """What the services of a forest share: its logon secrets, and the bounded threads that run scripts."""

    def __init__(self, accounts: Accounts, *, keytab: Path | None = None, threads: int = SCRIPT_THREADS) -> None:
        """`keytab` holds the HTTP or host keys of the machines; without it only NTLM gets in."""
        self.secrets = Secrets(accounts, str(keytab) if keytab else None)
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="lab-script")

    def close(self) -> None:
        """End the threads, whose scripts must have been stopped, and remove the secrets."""
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.secrets.close()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one Authorization header went: the token to answer with, whether the user is in, or refused."""

    token: bytes | None = None
    is_complete: bool = False
    is_refused: bool = False


REFUSED = Verdict(is_refused=True)


class ConnectionLogon:
    """Who the peer of one TCP connection is; `user` is set while it is authenticated."""

    def __init__(self, machine: Machine, authority: Authority, faults: WireFaults) -> None:
        self.user: User | None = None
        self._machine = machine
        self._authority = authority
        self._faults = faults
        self._acceptor: Acceptor | None = None
        self._scheme = ""

    @property
    def context(self) -> Any:
        """The sealing context of the authenticated connection."""
        assert self._acceptor is not None
        return self._acceptor.context

    @property
    def protocol(self) -> str:
        """The MIME protocol of sealed answers. [MS-WSMV] 2.2.9.1"""
        return KERBEROS if self._scheme == "kerberos" else SPNEGO

    def step(self, authorization: str) -> Verdict:
        """Take one header; after success or failure the next one starts anew."""
        scheme, _, text = authorization.partition(" ")
        token = _decode(text)
        if scheme.lower() not in ("negotiate", "kerberos") or token is None or self._faults.auth_denied:
            return self._refuse()
        if self._acceptor is None or self.user is not None:
            self.user = None
            self._scheme = scheme.lower()
            self._acceptor = Acceptor(self._authority.secrets)
        try:
            answer = self._acceptor.step(token)
        except LogonRefused:
            return self._refuse()
        return self._granted(self._acceptor, answer) if self._acceptor.complete else Verdict(answer)

    def _granted(self, acceptor: Acceptor, answer: bytes | None) -> Verdict:
        is_kerberos = acceptor.context.negotiated_protocol == "kerberos"
        if is_kerberos and abs(self._faults.clock_skew_seconds) > KERBEROS_SKEW_SECONDS:
            return self._refuse()
        self.user = acceptor.user
        self._machine.counters.logon(granted=True)
        return Verdict(answer, is_complete=True)

    def _refuse(self) -> Verdict:
        self.user = None
        self._acceptor = None
        self._machine.counters.logon(granted=False)
        return REFUSED


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True) or None
    except binascii.Error:
        return None
