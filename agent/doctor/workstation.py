"""Owns the checks of this workstation: logon libraries, files and their rights, passwords, journal, log, playbook."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.config import Credential
from agent.doctor.ability import Abilities
from agent.doctor.authentication import KERBEROS_MEND, NTLM_MEND
from agent.doctor.check import WORKSTATION, Check, Health, Kind, bad, good, warn
from agent.doctor.kerberos import Kerberos
from agent.errors import EasfixError, JournalError, PlaybookError, SecretMissing

OUTDATED = "the tables of the journal are not up to date"
"""What agent/journal says of a journal that the next run brings up to date by itself."""

GRANT = "Let the account of journal_credentials write the database: SELECT, INSERT, UPDATE and DELETE on its tables."
LOG_MEND = "Name a place under logs.file that you may write to."
CONFIG_MEND = "Let only yourself write it: whoever can write this file decides where passwords are sent."

_HOLDS = {
    "password_file": "the file holds a password, and nobody but its owner may read it",
    "password_env": "the environment variable holds a password",
    "keyring": "the keyring holds a password",
}


@dataclass(frozen=True, slots=True)
class Workstation:
    """What is to be looked at here; whatever opens or fetches something comes in as a function."""

    abilities: Abilities
    needs_kerberos: bool  # some server is to be logged on to with it
    config: Path
    credentials: Mapping[str, Credential]  # those in use
    fetch: Callable[[str], object]  # the password of a credential set, without asking anybody; raises SecretMissing
    has_terminal: bool
    journal: str  # file or URL
    open_journal: Callable[[], str | None]  # for reading only: what keeps it from being written; raises EasfixError
    log: Path
    log_refusal: EasfixError | None
    playbook: PlaybookError | int  # why it is not fit to be sent, or how many scripts it has
    altered: str = ""  # which scripts are not as they were released

    def examine(self, now: datetime) -> Health:
        """Everything about this machine."""
        return Health(WORKSTATION, Kind.WORKSTATION, tuple(self._checks(now)))

    def _checks(self, now: datetime) -> Iterator[Check]:
        yield good("openssl", f"{self.abilities.tls.version}, {self.abilities.tls.lowest} and newer")
        yield _ntlm(self.abilities)
        yield _kerberos(self.abilities, self.needs_kerberos, now)
        yield config_file(self.config)
        yield from (self._secret(name, each) for name, each in self.credentials.items())
        yield journal(self.journal, self.open_journal)
        yield self._log()
        yield self._playbook()

    def _secret(self, name: str, credential: Credential) -> Check:
        line = f"credentials.{name}"
        if not credential.sources:
            who = credential.username or "the account that easfix runs as"
            return good(line, f"no password: the ticket or logon of {who}")
        if credential.prompt:
            if self.has_terminal:
                return good(line, "asked for at the terminal, once a run")
            mend = "Use password_env, password_file or keyring for unattended runs."
            return warn(line, "asked for at a terminal, and there is none", mend)
        try:
            self.fetch(name)
        except SecretMissing as error:
            return bad(line, error.message, error.next_step or f"Mend {error.where}.")
        return good(line, _HOLDS[credential.sources[0]])

    def _log(self) -> Check:
        if self.log_refusal is None:
            return good("log", f"{self.log} is written")
        return bad("log", f"{self.log}: {self.log_refusal.message}", self.log_refusal.next_step or LOG_MEND)

    def _playbook(self) -> Check:
        if isinstance(self.playbook, PlaybookError):
            return bad("playbook", self.playbook.message, self.playbook.next_step or "Install easfix again.")
        words = f"{self.playbook} scripts, all PowerShell 2.0 and honest about their effect"
        if self.altered:
            return warn("playbook", f"{words}; {self.altered}", "Read what was edited, or install easfix again.")
        return good("playbook", words)


# --- logons ----------------------------------------------------------------------------------------------------------


def _ntlm(abilities: Abilities) -> Check:
    if abilities.is_windows:
        return good("ntlm", "Windows does it")
    if abilities.ntlm_missing:
        return warn("ntlm", f"NTLM cannot be used: {abilities.ntlm_missing}", NTLM_MEND)
    return good("ntlm", "NTLM can be used: MD5 and RC4 work here, MD4 comes with pyspnego")


def _kerberos(abilities: Abilities, is_needed: bool, now: datetime) -> Check:
    found = abilities.kerberos
    if abilities.is_windows:
        return good("kerberos", "Windows does it")
    if not is_needed:
        return good("kerberos", f"not needed by any server; {found.missing or _described(found, now)}")
    if found.missing:
        return warn("kerberos", found.missing, KERBEROS_MEND)
    if not found.files:
        return warn("kerberos", "there is no krb5.conf here", "Write one with your domain, or use auth: ntlm.")
    return good("kerberos", _described(found, now))


def _described(found: Kerberos, now: datetime) -> str:
    files = ", ".join(found.files) or "no krb5.conf"
    if found.ticket is None or found.ticket.ends_at is None:
        return f"{files}; realm {found.realm or 'none'}; no ticket in {found.cache}"
    state = "ended" if found.ticket.ends_at <= now else "good until"
    until = f"{found.ticket.ends_at:%Y-%m-%d %H:%M} UTC"
    return f"{files}; realm {found.realm or 'none'}; ticket of {found.ticket.principal} {state} {until}"


# --- files -----------------------------------------------------------------------------------------------------------


def config_file(path: Path) -> Check:
    """Only its owner may write the configuration; on Windows the access list of the profile decides."""
    if os.name == "nt":
        return good("configuration", f"{path}; its access list decides who may write it")
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return bad("configuration", f"{path} can be written by others", f"{CONFIG_MEND} chmod go-w {path}")
    return good("configuration", f"{path} can be written by its owner only")


def journal(address: str, open_journal: Callable[[], str | None]) -> Check:
    """Which journal there is, and whether it could be written; nothing is written to find out."""
    if "://" in address:
        return _database(open_journal)
    path = Path(address)
    if not path.exists():
        return _to_be_made(path)
    refusal = _refusal(open_journal)
    if refusal is not None and refusal.message != OUTDATED:
        return bad("journal", f"{path}: {refusal.message}", refusal.next_step or "Look at the file and its rights.")
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        mend = "Let yourself write the file and its directory, or name another place under journal."
        return bad("journal", f"{path} may not be written by this account", mend)
    when = "; the next run brings its tables up to date" if refusal else ""
    return good("journal", f"SQLite file {path}, writable{when}")


def _to_be_made(path: Path) -> Check:
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return good("journal", f"SQLite file {path}, not there yet; {there} is writable")
    return bad("journal", f"{path} cannot be made in {there}", "Name a place under journal that you may write to.")


def _database(open_journal: Callable[[], str | None]) -> Check:
    refusal = _refusal(open_journal)
    if refusal is None:
        return good("journal", "PostgreSQL, which answers with its tables, and this account may write them")
    if refusal.message == OUTDATED:
        return good("journal", "PostgreSQL, which answers; the next run brings its tables up to date")
    mend = refusal.next_step or "Look at the database server, and at journal_credentials."
    return bad("journal", f"PostgreSQL: {refusal.message}", mend)


def _refusal(open_journal: Callable[[], str | None]) -> EasfixError | None:
    """Why it cannot be read, or written; None where it can be both. Nothing is written to find out."""
    try:
        lacking = open_journal()
    except EasfixError as error:
        return error
    return JournalError(lacking, next_step=GRANT) if lacking else None
