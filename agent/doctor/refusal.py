"""Owns what a visit that failed says: which check it speaks to, and which checks could therefore not be made."""

from __future__ import annotations

from collections.abc import Iterator, Set

from agent.doctor.check import Check, Grade, bad, good, unknown
from agent.doctor.judge import BACK_END_NAMES, NAMES
from agent.errors import BadAnswer, BrokenOff, Denied, ScriptFailed, ServerError, TimedOut, Unreachable, Unsupported
from agent.model import Role, Server
from agent.transport.faults import Fault, Stage
from agent.transport.translation import translate

NOT_ASKED = "not asked: "
"""What the evidence of a check begins with that could not be made because another one failed."""

FIRST = "Mend what stands above, then ask again."
LOOK = "Ask again; if it stays so, look at the WinRM service and the event log of the server."


def _words(fault: Fault) -> str:
    """What the transport's table says about a fault, so that its words are known here and nowhere repeated."""
    return translate("", fault).message


# WSManFault 5, and the numbers of MIT krb5 (krb5_err.et) that say something about another check than the logon.
_SPEAKS_TO = {
    _words(Fault(Stage.OPENING, code=5)): "administrator",
    _words(Fault(Stage.OPENING, code=2150858752)): "remoting",
    _words(Fault(Stage.OPENING, logon_code=-1765328347)): "clock",
    _words(Fault(Stage.OPENING, logon_code=-1765328370)): "kerberos-encryption",
}

_AFTER_THE_LOGON = (ScriptFailed, TimedOut, BrokenOff)  # the script had been sent


def checks(server: Server, error: ServerError) -> Iterator[Check]:
    """The check that failed, and the ones that could not be made."""
    found = tuple(_culprit(error))
    yield from found
    why = "the script did not answer" if isinstance(error, _AFTER_THE_LOGON) else "there is no session"
    yield from not_visited(server, why, {"logon", *(check.name for check in found)})


def not_visited(server: Server, why: str, told: Set[str] = frozenset()) -> Iterator[Check]:
    """The checks that a visit would have made, had there been one; without those that are told already."""
    every = ("logon", *names(server))
    yield from (unknown(name, f"{NOT_ASKED}{why}", FIRST) for name in every if name not in told)


def names(server: Server) -> tuple[str, ...]:
    """The checks that a visit to this server makes, beside the logon."""
    return (*NAMES, *BACK_END_NAMES) if server.role is Role.BACK_END else NAMES


def _culprit(error: ServerError) -> Iterator[Check]:
    mend = error.next_step or LOOK
    name = _SPEAKS_TO.get(error.message)
    if name in ("administrator", "remoting") or isinstance(error, _AFTER_THE_LOGON):
        yield good("logon", "the server accepted the logon")
    if name is not None:
        yield bad(name, error.message, mend)
    if name in ("clock", "kerberos-encryption"):
        yield bad("logon", error.message, mend)
    if name is None:
        where = "script" if isinstance(error, _AFTER_THE_LOGON) else "logon"
        yield Check(where, _grade(error), error.message or type(error).__name__, mend)


def _grade(error: ServerError) -> Grade:
    """What the server refused is bad; what nobody answered is not known."""
    if isinstance(error, Denied) and error.__cause__ is None:
        return Grade.UNKNOWN  # the gate's own refusal (transport/gate): this server was never asked
    is_certain = isinstance(error, Denied | Unsupported | BadAnswer | ScriptFailed | Unreachable)
    return Grade.BAD if is_certain else Grade.UNKNOWN
