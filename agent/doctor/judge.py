"""Owns the verdicts on what a server said of itself: pure functions of the answers, each threshold with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.doctor.answers import Answers, BackEnd, Disk, Exchange, Iis, Name, Quota, Reset, Session
from agent.doctor.check import Check, bad, good, unknown, warn
from agent.model import Guard, RestartMethod, Role, Server, Way

KERBEROS_SECONDS = 300  # what Kerberos allows clocks to differ ([MS-KILE], MaxClockSkew; RFC 4120 section 9)
WORRY_SECONDS = 120
REMOTING = "ServerRemoteHost"  # $Host.Name within a PowerShell remoting session; powershell.exe has ConsoleHost

# easfix opens one shell on a back-end and three on a proxy (proxypool), of the five a user has (domain 6.1).
SHELLS = {Role.BACK_END: 1, Role.PROXY: 3}
USUAL_SHELLS, USUAL_PROCESSES, USUAL_MEGABYTES = 5, 15, 150  # defaults of WinRM 2.0 (domain 6.1)
LEAST_PROCESSES = 2  # one that has just ended may not have been signalled yet

FIRST_SP2 = 7638  # builds: 7226 is the first of SP1, 7638 of SP2 (domain 7.1)
FIRST_SP1 = 7226
SPARE_MEGABYTES = 100  # below this a Server 2003 is about to fail at other things too

CLOCK_MEND = (
    "Set this machine and the server by the domain's time (w32tm /resync on the server). Where every server differs "
    "by as much, it is this machine's clock that is wrong."
)


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit brought, and between which moments of our clock."""

    answers: Answers
    began: datetime
    ended: datetime


def checks(server: Server, visited: Visited, restart: RestartMethod) -> Iterator[Check]:
    """Everything that follows from the answers."""
    answers = visited.answers
    yield good("logon", f"logged on by {answers.session.authentication or 'an unnamed protocol'}")
    yield _identity(server, answers.name)
    yield _remoting(server, answers.session)
    yield clock(answers.session.utc, visited.began, visited.ended)
    yield _administrator(answers.session)
    yield _powershell(answers.session)
    yield _winrm(answers.session)
    yield _quotas(server, answers.quota)
    if answers.back_end is not None:
        yield from _back_end(server, answers.back_end, restart)


NAMES = ("identity", "remoting", "clock", "administrator", "powershell", "winrm", "quotas")
BACK_END_NAMES = ("adsi", "iisreset", "disk", "exchange")
"""The names of the checks that a visit brings, beside the logon itself."""


def clock(theirs: datetime, began: datetime, ended: datetime) -> Check:
    """How far the clocks certainly differ: the server looked at its own at some moment between the two of ours."""
    off = max((theirs - ended).total_seconds(), (began - theirs).total_seconds(), 0.0)
    if off == 0.0:
        return good("clock", "the clocks agree")
    way = "ahead of" if theirs > ended else "behind"
    said = f"the server is {_span(off)} {way} this machine"
    if off > KERBEROS_SECONDS:
        return bad("clock", f"{said}; Kerberos allows {KERBEROS_SECONDS} seconds", CLOCK_MEND)
    if off > WORRY_SECONDS:
        return warn("clock", f"{said}; Kerberos allows {KERBEROS_SECONDS} seconds", CLOCK_MEND)
    return good("clock", said)


def _span(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 36_000 else f"{seconds / 3600:.0f} hours"


def _identity(server: Server, name: Name) -> Check:
    if name.message:
        mend = "See that WMI works on the server (wmimgmt.msc)."
        return warn("identity", f"{name.computer} does not tell its full name: {name.message}", mend)
    if name.fqdn.casefold() == server.fqdn.casefold():
        return good("identity", f"the server is {name.fqdn}")
    evidence = f"the server calls itself {name.fqdn}, the configuration calls it {server.fqdn}"
    return warn("identity", evidence, "Correct `fqdn`, or see that `address` leads to the right server.")


def _remoting(server: Server, session: Session) -> Check:
    if session.host == REMOTING:
        return good("remoting", "PowerShell remoting (PSRP)")
    if server.winrm.way is Way.WINRM:
        return good("remoting", "the WinRM shell, as configured")
    mend = "Run Enable-PSRemoting on the server for the faster way, or set transport: winrm for this server."
    return warn("remoting", "PowerShell remoting is not enabled; easfix falls back on the WinRM shell", mend)


def _administrator(session: Session) -> Check:
    if session.is_administrator:
        return good("administrator", "the account is an administrator of the server")
    mend = "Use an account in the server's Administrators group."
    return bad("administrator", "the account may run scripts but is no administrator of the server", mend)


def _powershell(session: Session) -> Check:
    said = f"PowerShell {session.powershell or 'without a version'} on Windows {session.windows or '?'}"
    if _version(session.powershell) >= (2, 0):
        return good("powershell", said)
    return bad("powershell", said, "Install KB968930 (PowerShell 2.0 and WinRM 2.0).")  # domain 6.1


def _winrm(session: Session) -> Check:
    said = f"WinRM {session.winrm or 'without a version'}"
    if _version(session.winrm) >= (2, 0):
        return good("winrm", said)
    return bad("winrm", said, "Install KB968930 (PowerShell 2.0 and WinRM 2.0).")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())


def _quotas(server: Server, quota: Quota) -> Check:
    """Limits that somebody lowered stop a run halfway."""
    if quota.message:
        evidence = f"could not be read: {quota.message}"
        return warn("quotas", evidence, "Look at `winrm get winrm/config/winrs` on the server.")
    wanted = (
        (quota.shells, SHELLS[server.role], USUAL_SHELLS, "MaxShellsPerUser"),
        (quota.processes, LEAST_PROCESSES, USUAL_PROCESSES, "MaxProcessesPerShell"),
        (quota.megabytes, USUAL_MEGABYTES, USUAL_MEGABYTES, "MaxMemoryPerShellMB"),
    )
    said = ", ".join(f"{name} {'not told' if found is None else found}" for found, _, _, name in wanted)
    for found, least, usual, name in wanted[:2]:
        if found is not None and 0 < found < least:
            return bad("quotas", f"{said}: easfix needs at least {least} of {name}", _raise(name, usual))
    for found, _, usual, name in wanted:
        if found is not None and 0 < found < usual:
            return warn("quotas", f"{said}: less than the usual {usual} of {name}", _raise(name, usual))
    return good("quotas", said)


def _raise(name: str, usual: int) -> str:
    return f'Run on the server: winrm set winrm/config/winrs @{{{name}="{usual}"}}'


# --- Exchange 2003 ---------------------------------------------------------------------------------------------------


def _back_end(server: Server, found: BackEnd, restart: RestartMethod) -> Iterator[Check]:
    yield _adsi(found.iis)
    yield _iisreset(found.reset, restart)
    yield _disk(found.disk)
    yield _exchange(server, found.exchange)


def _adsi(iis: Iis) -> Check:
    mend = "Start the IIS Admin Service on the server, and see that the IIS 6 ADSI provider is installed."
    if iis.message:
        return bad("adsi", f"the ADSI provider of IIS does not answer: {iis.message}", mend)
    if iis.state != "Running":
        return bad("adsi", f"IISADMIN is {iis.state or 'in no known state'}; it was not asked, not to start it", mend)
    if iis.sites == 0:
        return bad("adsi", "the ADSI provider of IIS answers, but shows no web site", mend)
    return good("adsi", f"the ADSI provider of IIS answers; web sites: {iis.sites}")


def _iisreset(reset: Reset, restart: RestartMethod) -> Check:
    """iisreset can be switched off on a server (domain 5.3)."""
    if not reset.message and reset.is_good:
        return good("iisreset", "iisreset is enabled")
    evidence = f"iisreset does not answer: {_short(reset.message or reset.said or 'it said nothing')}"
    mend = "Run `iisreset /enable` on the server, or set restart.method to recycle or none."
    if restart is RestartMethod.IISRESET:
        return bad("iisreset", evidence, mend)
    return warn("iisreset", f"{evidence}; not needed with restart.method: {restart}", mend)


def _disk(disk: Disk) -> Check:
    if disk.message:
        return unknown("disk", f"could not be read: {disk.message}", "See that WMI works on the server (wmimgmt.msc).")
    need = disk.metabase_kilobytes / 1024
    said = f"{disk.free_megabytes:,} MB free on the system drive; a backup of the metabase takes {need:.1f} MB"
    mend = "Free some space on the system drive: neither a backup nor the metabase itself could be saved."
    if disk.free_megabytes < 2 * need + 1:  # the backup, and the metabase itself when it is saved
        return bad("disk", said, mend)
    if disk.free_megabytes < SPARE_MEGABYTES:
        return warn("disk", said, "Free some space on the system drive.")
    return good("disk", said)


def _exchange(server: Server, exchange: Exchange) -> Check:
    """All 2003 servers must have SP2 beside Exchange 2010 (domain 2.11)."""
    if exchange.message:
        mend = "See whether the account may read the server's registry."
        return unknown("exchange", f"could not be read: {exchange.message}", mend)
    if exchange.build == 0:
        mend = "See that this is an Exchange 2003 server; take it out of `servers` if it is not."
        return bad("exchange", "the registry knows no Exchange on this server", mend)
    pack = 2 if exchange.build >= FIRST_SP2 else 1 if exchange.build >= FIRST_SP1 else 0
    said = f"Exchange 2003 build {exchange.build}, Service Pack {pack}"
    if pack == 2:
        return good("exchange", said)
    mend = "Install Service Pack 2 of Exchange 2003, without which the proxy path does not work with Exchange 2010."
    is_allowed = Guard.OLD_SERVICE_PACK in server.allowed
    return (warn if is_allowed else bad)("exchange", said, mend)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 200 else f"{words[:197]}..."
