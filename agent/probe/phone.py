"""Owns the phone that a proof is made with: a test user, how to log on as one, and the brake on its logons."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent.errors import Denied
from agent.model import Auth, Server
from agent.probe.answer import Answer
from agent.probe.talk import Question, Talk
from agent.transport.credentials import Credentials
from agent.transport.gate import Attempt, Blame, Gate
from agent.transport.negotiation import LogonFailed, Negotiation

_ROUNDS = 4  # tokens at most: Kerberos takes one, NTLM two
_SCHEME = "negotiate "


@dataclass(frozen=True, slots=True)
class Phone:
    """A test user whose mailbox is on one back-end.

    Its logons go through one gate: until somebody has accepted the password, two at a time, and after two refusals none
    at all, because a domain locks an account after a few and a grid asks many servers.
    """

    credentials: Credentials
    gate: Gate
    auth: Auth = Auth.NEGOTIATE

    @property
    def name(self) -> str:
        """The user's name without its domain."""
        return self.credentials.user.rpartition("\\")[2].partition("@")[0]

    def basic(self, question: Question) -> Question:
        """The question with the password in it; over TLS only."""
        secret = self.credentials.password
        text = f"{self.credentials.user}:{secret.reveal() if secret else ''}".encode()
        return question.having(("Authorization", f"Basic {base64.b64encode(text).decode('ascii')}"))


class Phones:
    """The test users of a configuration, each with one gate for the whole command."""

    def __init__(self, logon: Callable[[Server], tuple[Credentials, Auth]]) -> None:
        self._logon = logon
        self._known: dict[Credentials, Phone] = {}
        self._lock = threading.Lock()

    def of(self, server: Server) -> Phone | None:
        """The phone of this back-end; None where no test user is configured."""
        if not server.test_user:
            return None
        credentials, auth = self._logon(server)
        with self._lock:
            return self._known.setdefault(credentials, Phone(credentials, Gate(asks_again=True), auth))


@dataclass(frozen=True, slots=True)
class Logged:
    """How a logon went: the last answer; "kerberos", "ntlm", or none where none was tried; a password has left."""

    answer: Answer
    protocol: str = ""
    has_tried: bool = False


def log_on(talk: Talk, question: Question, phone: Phone, host: str) -> Logged:
    """Put the question, and put it again with a logon where Negotiate is asked for; raises LogonFailed.

    The first 401 offers, the last one refuses. Never Basic: this goes over plain HTTP.
    """
    answer = talk.put(question)
    if answer.status != 401 or not answer.offers("Negotiate"):
        return Logged(answer)
    negotiation = Negotiation(phone.credentials, phone.auth, host)
    token = negotiation.step()
    has_tried = False
    for number in range(_ROUNDS):
        if number and not talk.is_open:
            break  # the logon belonged to the connection that is gone
        sent = base64.b64encode(token).decode("ascii")
        # A ticket says nothing of the password: the domain has accepted it already.
        has_tried = has_tried or (number > 0 and negotiation.protocol != "kerberos")
        answer = talk.put(question.having(("Authorization", f"Negotiate {sent}")))
        offered = token_of(answer)
        if answer.status != 401 or not offered:
            break
        if not (token := negotiation.step(offered)):
            break
    return Logged(answer, negotiation.protocol, has_tried)


@contextmanager
def braked(phone: Phone, place: str) -> Iterator[Attempt]:
    """Hold this around a logon; raises Denied where the account may not be tried any more."""
    with phone.gate.logon(place) as attempt:
        yield attempt


def blamed(answer: Answer) -> Blame:
    """What an answer to a logon says about the account. No answer says nothing: IIS may still be warming up."""
    return Blame.PERHAPS if answer.status == 401 else Blame.NONE


def token_of(answer: Answer) -> bytes:
    """The server's token of a logon under way; empty where it only offers."""
    for value in answer.authenticate:
        if value.lower().startswith(_SCHEME):
            try:
                return base64.b64decode(value[len(_SCHEME) :].strip(), validate=True)
            except ValueError:
                return b""
    return b""


__all__ = ["Denied", "Logged", "LogonFailed", "Phone", "Phones", "blamed", "braked", "log_on", "token_of"]
