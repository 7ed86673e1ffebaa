"""The command `doctor`: is everything ready, here and on every server; changes nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_
from agent.cli.select import selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.session import Session
    from agent.config import Config, Credential
    from agent.doctor import Account, Doctor, Health, Workstation
    from agent.doctor.ability import Abilities
    from agent.doctor.network import Network
    from agent.errors import EasfixError, PlaybookError
    from agent.model import Script, Server
    from agent.notice import Listen


@click.command("doctor")
@selection
@globals_
def command(options: Options, limit: tuple[str, ...], skip: tuple[str, ...], beyond_max_servers: bool) -> int:
    """Say whether this workstation, each server and each of their proxies are ready, and how to mend what is not.

    \b
    easfix doctor
    easfix doctor --limit EX01 -v
    easfix doctor --json

    Reads only, with one visit to each server. Lines that are good show with -v. Exit code 0: ready; 3: something is
    bad; 4: something could not be told.
    """
    from agent.cli.checks import show
    from agent.cli.session import Session
    from agent.fleet import over

    session = Session(options)
    with ExitStack() as stack:
        refusal = _enter(session, stack)
        servers = _all(session, session.servers(limit, skip, beyond_cap=beyond_max_servers))
        with session.progress(servers) as listen:
            here, doctor = _instruments(session, servers, refusal, listen)
            healths = [here, *over(servers, doctor.examine, session.config.run.concurrency)]
        return show(healths, options)


def network(seconds: float) -> Network:
    """The ways out of this machine."""
    from agent.doctor.ways import real

    return real(seconds)


def _enter(session: Session, stack: ExitStack) -> EasfixError | None:
    """Begin the session; a log that cannot be written is something for the doctor to tell, not to fail of."""
    from agent import logs
    from agent.cli.interrupt import Interrupt
    from agent.cli.session import now
    from agent.errors import ConfigError

    try:
        stack.enter_context(session)
    except ConfigError as error:
        stack.push(session)
        stack.callback(logs.start(None, None, "info", session.redactor, now))
        stack.enter_context(Interrupt(session.stop))
        return error
    return None


def _all(session: Session, chosen: Sequence[Server]) -> list[Server]:
    """The chosen back-ends, then the proxies that lead to them."""
    names = {name.casefold() for server in chosen for name in server.proxies}
    return [*chosen, *(proxy for proxy in session.proxies if proxy.name.casefold() in names)]


def _instruments(
    session: Session, servers: Sequence[Server], refusal: EasfixError | None, listen: Listen
) -> tuple[Health, Doctor]:
    from agent.cli.session import now
    from agent.doctor import Doctor
    from agent.doctor.ability import look

    abilities = look()
    script = _script(session)
    here = _workstation(session, servers, abilities, refusal).examine(now())
    doctor = Doctor(
        connect=session.connect,
        script=script,
        network=network(session.config.timeouts.connect_seconds),
        abilities=abilities,
        account=lambda name: _account(session.config, name),
        restart=session.config.restart.method,
        now=now,
        is_stopping=session.stop.is_set,
        listen=listen,
    )
    return here, doctor


def _workstation(
    session: Session, servers: Sequence[Server], abilities: Abilities, refusal: EasfixError | None
) -> Workstation:
    import sys

    from agent.config import Secrets, journal_address, log_file
    from agent.doctor import Workstation
    from agent.doctor.authentication import Way

    config = session.config
    accounts = {server.name: _account(config, server.credentials) for server in servers}
    ways = [Way(each, accounts[each.name].username, accounts[each.name].has_password, abilities) for each in servers]
    return Workstation(
        abilities=abilities,
        needs_kerberos=any(way.tries_kerberos for way in ways),
        config=session.path,
        credentials=_in_use(config, servers),
        fetch=Secrets(config.credentials, on_fetched=session.redactor.add).logon,
        has_terminal=sys.stdin.isatty(),
        journal=journal_address(config),
        open_journal=lambda: session.record.lacks(),
        log=log_file(config),
        log_refusal=refusal,
        playbook=(found := _playbook(session)),
        altered="" if isinstance(found, Exception) else session.playbook.altered,
    )


def _in_use(config: Config, servers: Sequence[Server]) -> dict[str, Credential]:
    """The credential sets that something is done with."""
    used = {server.credentials for server in servers} | {server.test_user for server in servers}
    names = {name.casefold() for name in (*used, config.journal_credentials)}
    return {name: each for name, each in config.credentials.items() if name.casefold() in names}


def _account(config: Config, name: str) -> Account:
    from agent.doctor import Account

    found = next(each for known, each in config.credentials.items() if known.casefold() == name.casefold())
    return Account(found.username, bool(found.sources))


def _playbook(session: Session) -> PlaybookError | int:
    from agent.errors import PlaybookError

    try:
        return len(session.playbook.scripts)
    except PlaybookError as error:
        return error


def _script(session: Session) -> Script | None:
    from agent.errors import PlaybookError

    try:
        return session.playbook.script("doctor")
    except PlaybookError:
        return None
