"""Owns the examination of one server: the network, the logon to be used, one visit that only reads, the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.doctor import authentication, judge, network, refusal
from agent.doctor.ability import Abilities
from agent.doctor.answers import Answers, read
from agent.doctor.authentication import Way
from agent.doctor.check import Check, Grade, Health, Kind, bad, good, warn
from agent.doctor.network import Network
from agent.errors import (
    BadAnswer,
    ConfigError,
    EasfixError,
    Interrupted,
    NoTerminal,
    ScriptFailed,
    ServerError,
    told_by,
)
from agent.model import RestartMethod, Role, Script, Server
from agent.notice import Listen, Notice
from agent.transport import Connect, ReadOnly

TEST_USER_MEND = (
    "Name a credential set whose mailbox is on this server as test_user; without one nothing is proved end to end."
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs on with a credential set, as far as that is known without fetching a password."""

    username: str
    has_password: bool


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines servers, and holds nothing that can write."""

    connect: Connect
    script: Script | None  # None where the playbook is not fit to be sent
    network: Network
    abilities: Abilities
    account: Callable[[str], Account]  # of a credential set
    restart: RestartMethod
    now: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    listen: Listen

    def examine(self, server: Server) -> Health:
        """Everything about one server: each port is tried once, and there is one visit with one logon.

        Raises `Interrupted` when the operator stops the run.
        """
        if self.is_stopping():
            raise Interrupted("stopped before every server was looked at")
        self.listen(Notice(server.name, "server.looked_at"))
        found = tuple(self._checks(server))
        self.listen(Notice(server.name, "server.found"))
        kind = Kind.BACK_END if server.role is Role.BACK_END else Kind.PROXY
        return Health(server.name, kind, found)

    def _checks(self, server: Server) -> Iterator[Check]:
        outside = tuple(network.checks(server, self.network, self.abilities.tls))
        yield from outside
        account = self.account(server.credentials)
        way = Way(server, account.username, account.has_password, self.abilities)
        ours = tuple(authentication.checks(way, self.now()))
        seen = tuple(self._visit(server, is_open=network.is_open(outside)))
        told = {check.name: check for check in seen}
        yield from (_settled(check, told["logon"]) for check in ours if check.name not in told)
        yield from seen
        if server.role is Role.BACK_END:
            yield _test_user(server)

    def _visit(self, server: Server, *, is_open: bool) -> Iterator[Check]:
        if self.script is None or not is_open:
            why = "the WinRM port does not answer" if self.script else "the script is not fit to be sent"
            yield from refusal.not_visited(server, why)
            return
        began = self.now()
        try:
            answers = self._ask(server, self.script)
            with told_by(server.name):
                found = tuple(judge.checks(server, judge.Visited(answers, began, self.now()), self.restart))
        except ServerError as error:
            yield from refusal.checks(server, error)
        except (ConfigError, NoTerminal) as error:  # the password could not be had
            yield bad("logon", _said(error), error.next_step or "Mend the credential set in the configuration.")
            yield from refusal.not_visited(server, "there is no password", told={"logon"})
        else:
            yield from found

    def _ask(self, server: Server, script: Script) -> Answers:
        transport = ReadOnly(self.connect(server), server.name)
        try:
            records = transport.run(script, {"Role": str(server.role)})
        finally:
            transport.close()
        try:
            with told_by(server.name):
                return read(server.name, server.role, records)
        except BadAnswer as error:  # not the wire's: the logon and the script did their part
            raise ScriptFailed(server.name, error.message, refusal.LOOK) from error


def _settled(check: Check, logon: Check) -> Check:
    """What was expected to stand in the way of the logon and did not is worth knowing, no more."""
    if check.verdict is Grade.BAD and logon.verdict is Grade.GOOD:
        return warn(check.name, f"{check.evidence}; the logon worked all the same", check.mend)
    return check


def _said(error: EasfixError) -> str:
    return f"{error.where}: {error.message}" if error.where else error.message


def _test_user(server: Server) -> Check:
    if server.test_user:
        return good("test-user", f"{server.test_user} is configured")
    return warn("test-user", "no test user is configured", TEST_USER_MEND)
