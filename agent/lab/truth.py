"""Owns the lab's own account of a machine: what is really so, against which the agent's claims are checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.lab.pristine import OF_THE_DIRECTORY
from agent.lab.world.errors import WorldError
from agent.lab.world.metabase import int_of
from agent.lab.world.schema import IpSecurity
from agent.lab.world.tree import Tree

if TYPE_CHECKING:
    from agent.lab.node import Node
    from agent.lab.world.accounts import User
    from agent.lab.world.machine import Machine

FLAGS, AUTH, PROVIDERS = "AccessSSLFlags", "AuthFlags", "NTAuthenticationProviders"
SHOWN = ("microsoft-server-activesync", "exchange", "exchange-oma")
_OWN_FILES = ("\\metabase.xml", "\\logfiles\\", "\\metaback\\")  # the first two Windows writes; backups are told apart


@dataclass(frozen=True, slots=True)
class DirectoryTruth:
    """One directory: flag words in memory and on disk, and the key that holds each; None where there is none."""

    path: str
    flags_memory: int | None
    set_at_memory: str | None
    flags_disk: int | None
    set_at_disk: str | None
    auth_flags: int | None
    providers: str
    children: dict[str, int]  # keys below with flags of their own, in memory
    admits: list[str] | None  # "address, mask" of those let in; None where everybody is
    flags_directory: int | None  # what Active Directory says, for DS2MB to copy
    auth_flags_directory: int | None


@dataclass(frozen=True, slots=True)
class ScriptTruth:
    """One script that was executed."""

    at: str
    sha256: str
    characters: int
    user: str


@dataclass(frozen=True, slots=True)
class EventTruth:
    """One event that was written, of a kind that the product looks at or causes."""

    at: str
    log: str
    source: str
    id: int
    message: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that is really so on one machine."""

    name: str
    role: str
    online: bool
    faults: list[str]  # as one would type them
    directories: list[DirectoryTruth]
    iisresets: int
    iisreset_kills: int
    recycles: int
    reboots: int
    services_down: list[str]  # that ran before and do not now
    seconds_without_mail: float
    metabase_backups: list[str]
    markers: list[str]  # files in the folder that runs keep their notes in
    files: list[str]  # every other file that was not there when the machine was built
    shells: int  # WinRM shells that are open
    programs: list[str]  # command lines of programs that belong to no shell and still run
    events: list[EventTruth]
    logons: int
    logon_failures: int
    requests_served: int
    scripts: list[ScriptTruth]
    counts: dict[str, int]

    def document(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class UserAccount:
    """How one user's logons went, over the whole forest."""

    name: str
    logons: int
    bad_passwords: int  # in a row
    locked: bool


def user_account(user: User) -> UserAccount:
    """What is so now."""
    return UserAccount(user.qualified, user.logons, user.bad_passwords, user.locked)


def account(node: Node) -> Account:
    """What is so now."""
    machine = node.machine
    with machine.lock:
        counters = machine.counters
        return Account(
            name=machine.name,
            role=str(machine.role),
            online=machine.online,
            faults=list(node.injected),
            directories=_directories(node) if machine.role.is_2003 else [],
            iisresets=counters.iisresets,
            iisreset_kills=counters.iisreset_kills,
            recycles=counters.recycles,
            reboots=counters.reboots,
            services_down=counters.services_down_that_ran_before(),
            seconds_without_mail=round(counters.seconds_without_mail(), 3),
            metabase_backups=[each.location for each in machine.backups.list()],
            markers=_markers(node),
            files=_files(machine, node.since),
            shells=len(node.winrm.service.shells),
            programs=_programs(machine),
            events=_events(node),
            logons=counters.logons,
            logon_failures=counters.logon_failures,
            requests_served=counters.requests_served,
            scripts=[
                ScriptTruth(each.time.isoformat(), each.sha256, each.length, each.user) for each in counters.scripts
            ],
            counts=counters.all_counts(),
        )


def _directories(node: Node) -> list[DirectoryTruth]:
    metabase = node.machine.metabase
    memory, disk = (metabase.memory if metabase.loaded else None), metabase.disk
    paths = sorted({*_paths(memory), *_paths(disk)})
    return [_directory(path, memory, disk, node.machine) for path in paths]


def _paths(tree: Tree | None) -> list[str]:
    """The directories that matter, over all web sites."""
    if tree is None:
        return []
    sites = [f"W3SVC/{name}/ROOT" for name in tree.children("W3SVC") if name.isdigit()]
    return [
        f"{root}/{name}" for root in sites if tree.exists(root) for name in tree.children(root) if name.lower() in SHOWN
    ]


def _directory(path: str, memory: Tree | None, disk: Tree, machine: Machine) -> DirectoryTruth:
    now, set_at = _flags(memory, path)
    saved, saved_at = _flags(disk, path)
    shown = memory or disk
    rules = shown.get(path, "IPSecurity") if shown.exists(path) else None
    flags_directory, auth_flags_directory = _in_directory(machine, path)
    children = (each for each in shown.data_paths(FLAGS, path) if each.lower() != path.lower())
    return DirectoryTruth(
        path=path,
        flags_memory=now,
        set_at_memory=set_at,
        flags_disk=saved,
        set_at_disk=saved_at,
        auth_flags=int_of(shown.get(path, AUTH)) if shown.exists(path) else None,
        providers=str(shown.get(path, PROVIDERS) or "") if shown.exists(path) else "",
        children={each: int_of(shown.get(each, FLAGS)) for each in children},
        admits=list(rules.granted) if isinstance(rules, IpSecurity) and not rules.grant_by_default else None,
        flags_directory=flags_directory,
        auth_flags_directory=auth_flags_directory,
    )


def _in_directory(machine: Machine, path: str) -> tuple[int | None, int | None]:
    """The two attributes of the directory's object in Active Directory; None where there is no object. domain 3.5"""
    _, site, _, name = path.split("/")
    dn = machine.forest.directory_dn(machine.name, name, int(site))
    if not machine.directory.exists(dn):
        return None, None
    flags, auth = (machine.directory.find(dn).get(attribute) for attribute in OF_THE_DIRECTORY)
    return flags if isinstance(flags, int) else None, auth if isinstance(auth, int) else None


def _flags(tree: Tree | None, path: str) -> tuple[int | None, str | None]:
    if tree is None or not tree.exists(path):
        return None, None
    holder = tree.holder(path, FLAGS)
    return int_of(tree.get(path, FLAGS)), None if holder is None else holder.path


def _markers(node: Node) -> list[str]:
    folder = rf"{node.machine.os.windows_directory}\easfix"
    try:
        return sorted(each.name for each in node.machine.files.list(folder))
    except WorldError:
        return []


def _files(machine: Machine, since: datetime, folder: str = "C:") -> list[str]:
    found = []
    for each in machine.files.list(folder):
        if each.is_directory:
            found += _files(machine, since, each.path)
        elif each.created > since and not any(part in each.path.lower() for part in _OWN_FILES):
            found.append(each.path)
    return found


def _programs(machine: Machine) -> list[str]:
    """Those that Win32_Process.Create started: no end of a shell reaches them."""
    running = machine.processes.list()
    return [each.command_line for each in running if each.parent is not None and each.parent.name == "wmiprvse.exe"]


def _events(node: Node) -> list[EventTruth]:
    sources = {"MSExchange ActiveSync", "Server ActiveSync", "IISCTLS", "Service Control Manager"}
    return [
        EventTruth(each.time.isoformat(), log, each.source, each.event_id, each.message)
        for log in ("Application", "System")
        for each in node.machine.logs.entries(log)
        if each.source in sources
    ]
