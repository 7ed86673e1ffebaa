"""The stand that scenarios are tried on: a fleet, the command line, and what the lab says is really so.

Both ways use the same commands. `fake` replaces the way in by one without a wire; `wire` keeps pypsrp and pywinrm. The
clock of the lab is driven: waiting, the agent's and the machines', moves it on at once, so no test waits for long.
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from dying import Died
from fake import FakeConnector, Hook, Spoil, quiet

import agent.cli.session as session_module
from agent import exits
from agent.cli.main import call
from agent.cli.options import Options
from agent.journal import Journal
from agent.lab.clock import DrivenClock
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout
from agent.lab.truth import Account, DirectoryTruth, account
from agent.lab.world.machine import Machine
from agent.model import ServerState
from agent.playbook import Playbook, load
from agent.retry import Policy, Questioner
from agent.transport import Connect
from agent.verify import Clocks, Origins, Verifier

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
FLAGS = "AccessSSLFlags"
PACE = Pace(restart_seconds=12.0, warm_up_seconds=0.0, proxy_seconds=1.0)
PATIENCE: Mapping[str, Any] = {"verify": {"attempts": 3}, "timeouts": {"probe_seconds": 1}}
READING_COUNTS = frozenset({"logons", "logon_failures", "requests_served", "winrm_requests"})
"""What looking at a server may add to."""

Session = session_module.Session


@dataclass(frozen=True)
class Answer:
    """What one command came to."""

    code: int
    document: dict[str, Any]
    out: str
    err: str

    def server(self, name: str = "EX01") -> dict[str, Any]:
        """What the document says about one server."""
        (found,) = (each for each in self.document["servers"] if each["name"] == name)
        return dict(found)

    def state(self, name: str = "EX01") -> str:
        """The state of one server in a word."""
        return str(self.server(name)["state"])

    def reason(self, name: str = "EX01") -> str:
        """Why."""
        return str(self.server(name)["reason"])


class Stand:
    """One fleet and one operator's directory; `with Stand(...) as stand:`."""

    def __init__(
        self,
        home: Path,
        way: str,
        faults: Iterable[str],
        *,
        servers: int = 1,
        proxies: int = 1,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.home = home
        self.way = way
        self.clock = DrivenClock(auto=True)
        self.fleet = Fleet(servers, proxies, list(faults), seed=1, pace=PACE, clock=self.clock)
        self.hook: Hook = quiet
        self.wrap: Callable[[Journal], Journal] = _as_it_is
        self.stop_at = ""  # the boundary at which the operator presses Ctrl-C
        self.spoil: Mapping[str, Spoil] = {}
        self.settles = True
        self._settings = {**PATIENCE, **(settings or {})}
        self._layout = Layout(home)
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)

    def __enter__(self) -> Stand:
        self.fleet.__enter__()
        self._layout.write(self.fleet, 0, "")
        self.configure(self._settings)
        self._ticker.start()
        return self

    def __exit__(self, *given: object) -> None:
        self._over.set()
        self._ticker.join()
        self.settle()
        self._layout.remove()
        self.fleet.__exit__(None, None, None)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Put other settings into the configuration file, section by section."""
        path = self.home / CONFIG_FILE
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, value in settings.items():
            found[section] = {**found.get(section, {}), **value} if isinstance(value, Mapping) else value
        path.write_text(yaml.safe_dump(found), encoding="utf-8")

    # --- the operator --------------------------------------------------------------------------------------------

    def easfix(self, *arguments: str) -> Answer:
        """One command line with --json, run here on this stand's way in and clock."""
        out, err = io.StringIO(), io.StringIO()
        with self.sessions(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = call(["--config", str(self.home / CONFIG_FILE), "--json", *arguments])
        words = out.getvalue()
        return Answer(code, json.loads(words) if words.startswith("{") else {}, words, err.getvalue())

    def dies_in_the_restart(self) -> None:
        """The process is killed when the restart is sent and nobody has heard of it."""

        def hook(where: str) -> None:
            if where == "after restart":
                raise Died(where)

        self.hook = hook
        with pytest.raises(Died):
            self.easfix("apply", "--yes")
        self.hook = quiet

    @contextlib.contextmanager
    def sessions(self) -> Iterator[None]:
        """While in force, every command works with this stand."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session_module, "Session", lambda options: StandSession(options, self))
            yield

    def sleep(self, seconds: float) -> None:
        """Whoever waits lets everybody else finish first; then the time has passed."""
        self.settle()
        self.clock.advance(seconds)

    def settle(self) -> None:
        """Every detached worker has come to its end; bounded, in real time, and never reached by a healthy one."""
        for machine in self.machines if self.settles else ():
            for process in machine.processes.list():
                if process.name == "powershell.exe":
                    assert process.done.wait(60) or not process.is_alive, "the worker does not end"

    # --- the lab -------------------------------------------------------------------------------------------------

    @property
    def machines(self) -> list[Machine]:
        """Every machine of the fleet."""
        return [node.machine for node in self.fleet.nodes.values()]

    def machine(self, name: str = "EX01") -> Machine:
        """One machine of the fleet."""
        return self.fleet[name].machine

    def truth(self, name: str = "EX01") -> Account:
        """The lab's own account of a server, once nothing is under way on it."""
        self.settle()
        return account(self.fleet[name])

    def directory(self, name: str = "EX01", path: str = EAS) -> DirectoryTruth:
        """What is really so with a directory."""
        (found,) = (each for each in self.truth(name).directories if each.path == path)
        return found

    def photograph(self) -> dict[str, Photograph]:
        """Everything on every machine that a command could change."""
        self.settle()
        return {machine.name: Photograph.of(machine) for machine in self.machines}

    def _tick(self) -> None:
        """Time passes by itself too, for whoever waits inside the lab's loop."""
        while not self._over.wait(0.001):
            self.clock.advance(0.001)


class StandSession(Session):
    """A session whose ways in, patience and record are the stand's; everything else is as the command line has it."""

    def __init__(self, options: Options, stand: Stand) -> None:
        super().__init__(options)
        self._stand = stand

    @cached_property
    def connect(self) -> Connect:
        """Without a wire, or as ever."""
        if self._stand.way == "fake":
            return FakeConnector(self._stand.fleet, self._met, self._stand.spoil)
        connect: Connect = Session.connect.func(self)  # type: ignore[attr-defined]  # what the property is made of
        return connect

    def questioner(self, section: str) -> Questioner:
        """The patience of a section, on the lab's clock."""
        return self._driven(super().questioner(section).policy)

    @cached_property
    def waiter(self) -> Questioner:
        """The patience for a restart, on the lab's clock."""
        return self._driven(Session.waiter.func(self).policy)  # type: ignore[attr-defined]  # as above

    def verifier(self) -> Verifier:
        """As ever; a probe over HTTP takes real seconds."""
        section = self.config.verify
        origins = Origins(
            section.from_agent, self.proxies if section.from_proxies else (), self.config.timeouts.probe_seconds
        )
        clocks = Clocks(session_module.now, time.monotonic)
        return Verifier(self.pool, self.playbook.scripts, origins, self.prover, clocks)

    @cached_property
    def playbook(self) -> Playbook:
        """As ever; read and checked once for all scenarios."""
        return playbook()

    @cached_property
    def journal(self) -> Journal:
        """As ever, unless the stand has something to put around it."""
        return self._stand.wrap(self._open(read_only=False))

    def _met(self, where: str) -> None:
        """A boundary of the way in."""
        if where == self._stand.stop_at:
            self.stop.set()
        self._stand.hook(where)

    def _driven(self, policy: Policy) -> Questioner:
        return Questioner(policy, self._stand.sleep, self._stand.clock.monotonic)


@dataclass(frozen=True)
class Photograph:
    """A machine at one moment; two of them are equal where nothing was changed in between."""

    memory: Mapping[str, Any]
    disk: Mapping[str, Any]
    files: Mapping[str, Any]
    services: Mapping[str, Any]
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, machine: Machine) -> Photograph:
        """Taken now."""
        with machine.lock:
            counts = machine.counters.all_counts()
            return cls(
                memory=_values(machine.metabase.memory) if machine.metabase.loaded else {},
                disk=_values(machine.metabase.disk),
                files={path: entry for path, entry in _files(machine, "C:") if "\\LogFiles" not in path},
                services={each.name: (each.state, each.start_mode) for each in machine.services.list()},
                counts={name: count for name, count in counts.items() if name not in READING_COUNTS},
            )

    def keys_changed_since(self, before: Photograph) -> set[str]:
        """The keys of the metabase whose own values differ, in memory or on disk."""
        pairs = ((self.memory, before.memory), (self.disk, before.disk))
        return {path for now, then in pairs for path in now.keys() | then.keys() if now.get(path) != then.get(path)}


@cache
def playbook() -> Playbook:
    """The cure."""
    return load()


def expected_code(state: str, command: str) -> int:
    """The exit code of a command on one server that came to this state."""
    return int(exits.of_state(ServerState(state), is_rollback=command == "rollback"))


def _values(tree: Any) -> dict[str, Any]:
    return {key.path: (key.kind, dict(key.values)) for key in tree.keys.values()}


def _files(machine: Machine, folder: str) -> Iterator[tuple[str, Any]]:
    for entry in machine.files.list(folder):
        yield entry.path, (entry.size, entry.last_write)
        if entry.is_directory:
            yield from _files(machine, entry.path)


def _as_it_is(journal: Journal) -> Journal:
    return journal
