"""Owns the life of a visit: a session that opens when first needed, and is thrown away after anything went wrong."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import requests

from agent import errors
from agent.model import Effect, Record, Scalar, Script, Server
from agent.transport import clixml, translation
from agent.transport import records as answers
from agent.transport.clixml import Plain
from agent.transport.credentials import Credentials
from agent.transport.faults import Fault, Stage, describe
from agent.transport.gate import Attempt, Blame, Gate
from agent.transport.logon import Logon
from agent.transport.records import failed, records
from agent.transport.translation import blame, lacks_remoting, translate
from agent.transport.waits import WAITS, Waits
from agent.transport.wire import Line, Lost, connect, session

OPENING_SECONDS = 60.0  # for a session to open
CLOSING_SECONDS = 5.0  # for one to close: the work is done, nobody should wait for it

ONLY_READ = "The question itself changes nothing. Ask again, and look at the server if it goes on."

ADVICE_AFTER_WRITES = (translation.LOOK, answers.LOOK)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class Visit(ABC):
    """What both ways in have in common. Used by one thread at a time.

    Whatever a library raises while it talks with a server says something about that server, and ends no run over many:
    who answers with nonsense of his own choosing finds more kinds of exceptions than anybody lists.
    """

    def __init__(
        self,
        server: Server,
        credentials: Credentials,
        monotonic: Callable[[], float],
        gate: Gate | None = None,
        waits: Waits = WAITS,
    ) -> None:
        self.server = server
        self.line = Line(monotonic, waits)
        self.stage = Stage.OPENING
        self.lacks_remoting = False  # the server said so when it was asked for a session
        self._credentials = credentials
        self._gate = gate or Gate()
        self._is_open = False
        self._logon: Logon | None = None
        self._final: errors.ServerError | None = None  # what is not asked for again

    def run(self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]) -> list[Record]:
        """Send the script once and return the objects it answered with; raises a `ServerError`.

        Where the session had ended since it was last used, a script that writes is not sent over a new one: `Lapsed`.
        """
        given = {name: value for name, value in arguments.items() if _is_given(name, value)}
        if self._is_open:
            try:
                return self._ask(script, given)
            except errors.Unreachable as error:
                # The server had closed an idle connection: certainly nothing was sent, so a new one is no second try.
                if not isinstance(error.__cause__, Lost):
                    raise
                if script.effect is Effect.WRITE:  # who slept through that may have been given up for dead
                    raise errors.Lapsed(self.server.name, error.message, error.next_step) from error
        self._enter()
        return self._ask(script, given)

    def ready(self) -> None:
        """Open the session where none stands; raises a `ServerError`."""
        if not self._is_open:
            self._enter()

    def close(self) -> None:
        """End the visit; never raises because the server is gone."""
        if self._is_open:
            self._end()
        self._discard()

    # --- what a way in does ------------------------------------------------------------------------------------------

    @abstractmethod
    def attach(self, logon: Logon, url: str) -> None:
        """Talk to the server at this address from now on, logged on by this."""

    @abstractmethod
    def open(self) -> None:
        """Log on and open a shell."""

    @abstractmethod
    def execute(
        self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]
    ) -> tuple[list[Plain], list[Mapping[str, Plain]]]:
        """Run the script: its output, and its error records. Moves `stage` along."""

    @property
    @abstractmethod
    def has_shell(self) -> bool:
        """There is a shell on the server to delete."""

    @abstractmethod
    def end(self) -> None:
        """Delete the shell on the server."""

    @abstractmethod
    def describe(self, error: Exception) -> Fault:
        """The facts of an error of the library, or of any other."""

    # --- the life of the session -------------------------------------------------------------------------------------

    def _enter(self) -> None:
        if self._final is not None:
            raise self._final
        self._discard()
        self.stage = Stage.OPENING
        self.line.begin(OPENING_SECONDS)
        if not self._gate.is_open:
            self._knock()
        with self._gate.logon(self.server.name) as attempt:
            try:
                self._open()
            except Exception as error:
                raise self._refusal(error, attempt) from error
            finally:
                attempt.is_accepted = self._is_proved
        self._is_open = True

    def _open(self) -> None:
        self._attach()
        self.open()

    def _attach(self) -> None:
        winrm = self.server.winrm
        seals, accepted = winrm.scheme == "http", self._gate.accept
        logon = Logon(self._credentials, winrm.auth, self.server.fqdn, self.line, seals=seals, accepted=accepted)
        self._logon = logon
        host = f"[{self.server.address}]" if ":" in self.server.address else self.server.address
        self.attach(logon, f"{winrm.scheme}://{host}:{winrm.port}/wsman")

    def session(self, logon: Logon) -> requests.Session:
        """A session over the line of this visit."""
        return session(self.line, self.server.winrm, self.server.fqdn, logon)

    def _refusal(self, error: Exception, attempt: Attempt) -> errors.ServerError:
        fault = self.describe(error)
        attempt.blame = blame(fault)
        refusal = translate(self.server.name, fault)
        if self._is_proved:
            self.lacks_remoting = lacks_remoting(fault)
            if fault.code is None and self.has_shell:
                self._bury()
        elif attempt.blame is Blame.NONE and self._may_have_cost_an_attempt:
            attempt.blame = Blame.PERHAPS
            self._final = refusal = _unanswered(refusal)
        if isinstance(refusal, errors.Denied):
            self._final = refusal
        self._discard()
        return refusal

    @property
    def _is_proved(self) -> bool:
        """The server has shown that it took the logon; before that everything it says may be somebody else's word."""
        return self._logon is not None and self._logon.is_proved

    @property
    def _may_have_cost_an_attempt(self) -> bool:
        """The password has left, and nobody anywhere has shown that it is right."""
        return self._logon is not None and self._logon.has_tried and not self._gate.is_open

    def _knock(self) -> None:
        """See whether anybody is there before waiting in the queue of the gate, and holding it up."""
        winrm = self.server.winrm
        try:
            connect(self.server.address, winrm.port, self.line.waits.connect).close()
        except OSError as error:
            raise translate(self.server.name, describe(error, Stage.OPENING)) from error

    def _ask(self, script: Script, arguments: Mapping[str, Scalar | Sequence[Scalar]]) -> list[Record]:
        self.stage = Stage.SENDING
        self.line.begin(script.timeout)
        try:
            output, reported = self.execute(script, arguments)
        except Exception as error:
            fault = self.describe(error)
            self._bury(anew=not fault.is_any("Unsealed"))
            raise _advise(script, translate(self.server.name, fault)) from error
        except BaseException:
            self._discard()
            raise
        try:
            with errors.told_by(self.server.name):
                if reported:
                    raise failed(self.server.name, script, reported[-1])
                return records(self.server.name, script, output)
        except errors.ServerError as error:
            raise _advise(script, error) from error.__cause__

    def _bury(self, *, anew: bool = True) -> None:
        """End the shell of a session that went wrong, over a new connection if need be.

        So no script goes on unseen while the server is looked at again, and the shell does not count against the five
        that a user may have (domain 6.1) until it has been idle for three minutes. Not `anew` where somebody else may
        stand at the address.
        """
        if not self._end() and anew:
            self._discard()
            self._end(anew=True)
        self._discard()

    def _end(self, *, anew: bool = False) -> bool:
        self.line.begin(CLOSING_SECONDS)
        try:
            if anew:
                if self._gate.is_barred:  # it would be one more bad logon
                    return False
                self._attach()
            self.end()
        except Exception:  # it is gone, or soon will be
            return False
        return True

    def _discard(self) -> None:
        self._is_open = False
        self.line.close()


def silence(*loggers: str) -> None:
    """Keep a library from writing whole messages, arguments and all, to anybody's log or standard error."""
    for name in loggers:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)


def _unanswered(error: errors.ServerError) -> errors.ServerError:
    """What it says, and why it is not tried again, also by who asks again whatever may be asked."""
    kind = errors.Denied if error.retryable else type(error)
    message = f"{error.message}; the password had been sent, and nobody has said whether it is right"
    next_step = f"It was tried once and is not tried again, to lock nothing. {error.next_step}".rstrip()
    return kind(error.server, message, next_step)


def _advise(script: Script, error: errors.ServerError) -> errors.ServerError:
    """A script that reads leaves nothing half done: what to do after a write is no advice for it."""
    if script.effect is Effect.READ and error.next_step in ADVICE_AFTER_WRITES:
        error.next_step = ONLY_READ
    return error


def _is_given(name: str, value: Scalar | Sequence[Scalar]) -> bool:
    """None means that the parameter keeps its default. ValueError for what no script could be passed."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a parameter")
    for item in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
        clixml.scalar(item)
    return value is not None
