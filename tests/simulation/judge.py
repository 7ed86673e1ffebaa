"""The invariants, each a function with the lesson it stands for; some watch while a play goes on, some look at its end.

The numbers are those of the safety lessons (tests/test_safety_lessons.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crew import Process, World
from paper import PaperServer, Settings

from agent.model import Action, Script, ServerRecord, ServerState, StepState

SOMEBODY_ELSES = "could not be put back: restore: refused"
"""Active Directory, or a person, has written another word since: it is said, and stays owed until a person decides."""

STEP_OF = {
    "backup": lambda _: str(Action.BACK_UP),
    "clear": lambda given: f"{Action.CLEAR} {given['Path']}",
    "restart": lambda _: str(Action.RESTART),
    "start-services": lambda given: f"{Action.START_SERVICES} {' '.join(given['Name'])}",
    "close": lambda _: str(Action.CLOSE),
    "restore": lambda given: f"{Action.RESTORE} {given['Path']}",
}
"""The step that stands in the record for a write."""


@dataclass(frozen=True)
class Admitted:
    """A server that a run began with, for the first time."""

    process: int
    run: str
    server: str
    at: datetime
    failed_before: frozenset[str]  # of the run, at that moment, since the process took it up
    under_way: tuple[str, ...]  # the run's other servers at that moment


@dataclass
class Judge:
    """Keeps what happens, and says what must not have."""

    before: dict[str, Settings] = field(default_factory=dict)
    admitted: list[Admitted] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)  # server -> run, from admission to close
    steps: dict[tuple[str, str, str], StepState] = field(default_factory=dict)  # as on record
    ran: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)  # services, before its first step
    found: dict[tuple[str, str], Settings] = field(default_factory=dict)  # by a run, before its first step on a server
    kept: set[tuple[str, str, str]] = field(default_factory=set)  # (run, server, path) with an original on record
    concluded: list[tuple[Process, str, str, ServerState, str]] = field(default_factory=list)
    under_way: dict[tuple[int, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    failures: dict[tuple[int, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)

    def begun(self, number: int, run: str) -> set[str]:
        """The servers that a process began with."""
        return {each.server for each in self.admitted if (each.process, each.run) == (number, run)}

    # --- while it goes on ----------------------------------------------------------------------------------------

    def told(self, process: Process, run: str, what: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A note is on record."""
        name = str(given[0]) if given else ""
        mine = (process.number, run)
        match what:
            case "admit":
                self._admitted(process, run, name)
            case "note":
                step, state = given[1], given[2]
                self.steps[run, name, step.id] = state
                self.kept |= {(run, name, prior.path) for prior in named.get("originals", ())}
            case "conclude":
                state, reason = given[1], given[2]
                self.concluded.append((process, run, name, state, reason))
                self.under_way[mine].discard(name)
                if state.is_failure and process.is_bound:
                    self.failures[mine].add(name)
                else:
                    self.failures[mine].discard(name)
                self.wrong += reported_as_it_is(self, process.world, run, name, state, reason)
            case "close":
                self.holders.pop(name, None)

    def watch(self, run: str, server: PaperServer, script: Script, given: dict[str, Any]) -> None:
        """A write is about to be done."""
        name = server.case.name
        self.wrong += recorded_first(self, run, name, script, given)
        self.wrong += one_run_on_a_server(self, run, name, script)

    def _admitted(self, process: Process, run: str, name: str) -> None:
        mine = (process.number, run)
        self.wrong += held_by_one_run(self, run, name)
        if self.holders.get(name) != run and process.is_bound:
            others = tuple(sorted(self.under_way[mine] - {name}))
            failed = frozenset(self.failures[mine])
            begun = [each for each in self.steps if each[:2] == (run, name) and each[2] != "back-up"]
            if not begun:  # or it goes on with what it began
                self.ran[run, name] = process.world.wire.servers[name].running
                self.found[run, name] = process.world.wire.servers[name].settings
            self.admitted.append(Admitted(process.number, run, name, process.world.now(), failed, others))
        self.holders[name] = run
        self.under_way[mine].add(name)


# --- lesson 2: no save, no write -----------------------------------------------------------------------------------


def recorded_first(judge: Judge, run: str, server: str, script: Script, given: dict[str, Any]) -> list[str]:
    """Lesson 2, and write-ahead: a write leaves only when its intention, and what was before, are on record."""
    step = STEP_OF[script.id](given)
    found = judge.steps.get((run, server, step))
    wrong = []
    if found not in (StepState.INTENDED, StepState.UNKNOWN):
        wrong.append(f"{script.id} was sent to {server} while {step} stood as {found} on record")
    if script.id in ("clear", "restore") and (run, server, given["Path"]) not in judge.kept:
        wrong.append(f"{script.id} was sent to {server} with no original of {given['Path']} on record")
    return wrong


def one_run_on_a_server(judge: Judge, run: str, server: str, script: Script) -> list[str]:
    """One writer a server: whoever writes has been admitted, and nobody else is."""
    holder = judge.holders.get(server)
    return [] if holder == run else [f"{run} sent {script.id} to {server}, which {holder or 'nobody'} holds"]


def held_by_one_run(judge: Judge, run: str, server: str) -> list[str]:
    """One writer a server, over all processes: nobody is admitted to what another run holds."""
    holder = judge.holders.get(server, run)
    return [] if holder == run else [f"{run} was admitted to {server} while {holder} held it"]


def reported_as_it_is(judge: Judge, world: World, run: str, name: str, state: ServerState, reason: str) -> list[str]:
    """Lesson 11: what is said about a server is so at that moment."""
    server = world.wire.servers[name]
    # A second run puts back what it found: between the two, Active Directory may have written.
    now, then = server.settings, judge.found.get((run, name), judge.before[name])
    has_rebooted = any(each.what == "reboot" for each in server.deeds)  # then it was not the run that stopped it
    missing = [] if has_rebooted else sorted(judge.ran.get((run, name), frozenset()) - server.running)
    match state:
        case ServerState.CHANGED if not server.is_right:
            return [f"{name} is said to be changed and is not right: {now}"]
        case ServerState.CHANGED if missing:
            return [f"{name} is said to be changed, and {missing} does not run"]
        # What was in memory only is in the file now, too.
        case ServerState.ROLLED_BACK if now not in (then, Settings(then.memory, then.memory)):
            return [f"{name} is said to be rolled back: {then} became {now}"]
        case ServerState.ROLLED_BACK if missing:  # the operator's is about flags
            return [f"{name} is said to be rolled back, and {missing} does not run"]
        case ServerState.UNREACHABLE | ServerState.SKIPPED if was_touched(server, run):
            return [f"{name} is said to be {state}, and was changed: {then} became {now}"]
        case _ if "othing was changed." in reason and was_touched(server, run):
            return [f"{name}: {reason}, but {then} became {now}"]
    return []


def was_touched(server: PaperServer, run: str) -> bool:
    """The run wrote its settings, and did not put them back."""
    return server.done("clear", run) > server.done("restore", run)


# --- at the end ------------------------------------------------------------------------------------------------------


def one_restart_per_run(world: World, runs: list[str]) -> list[str]:
    """Never two restarts of a server in one run, whoever died where."""
    return [
        f"{name} was restarted {server.done('iisreset', run)} times by {run}"
        for name, server in world.wire.servers.items()
        for run in runs
        if server.done("iisreset", run) > 1
    ]


def nothing_begins_too_late(judge: Judge, closes_at: datetime | None, needs: float) -> list[str]:
    """Lesson 7: no server is begun with that cannot be finished before the window closes."""
    if closes_at is None:
        return []
    return [
        f"{each.server} was begun with {(closes_at - each.at).total_seconds():.0f} s before the end, and needs {needs}"
        for each in judge.admitted
        if (closes_at - each.at).total_seconds() < needs
    ]


def stops_at_the_threshold(judge: Judge, most: int, processes: list[Process]) -> list[str]:
    """Lessons 3 and 4: nothing new begins once so many have failed, unreachable ones counted.

    Whoever goes on with a run in which some had failed already may see as many more fail.
    """
    return [
        f"{each.server} was begun with after {sorted(each.failed_before)} had failed, and {most} may"
        for each in judge.admitted
        if len(each.failed_before) >= most + len(processes[each.process - 1].failed)
    ]


def no_more_failures(judge: Judge, most: int, concurrency: int, processes: list[Process]) -> list[str]:
    """Lesson 4: never more failures in a process than the threshold, plus those under way when it was reached."""
    return [
        f"process {number} of {run} let {sorted(found)} fail, where {most} may with {concurrency} at once"
        for (number, run), found in judge.failures.items()
        if len(found & judge.begun(number, run)) > most + len(processes[number - 1].failed) - 1 + concurrency
    ]


def no_more_at_once(judge: Judge, concurrency: int) -> list[str]:
    """Lesson 5: never more servers at once than allowed."""
    return [
        f"{each.server} was begun with while {each.under_way} were under way"
        for each in judge.admitted
        if len(each.under_way) >= concurrency
    ]


def waves_in_order(judge: Judge, processes: list[Process]) -> list[str]:
    """Lesson 5: no server of a wave begins while one of an earlier wave is under way."""
    wrong = []
    for each in judge.admitted:
        wave_of = _waves(processes[each.process - 1])
        wrong += [
            f"{each.server} of wave {wave_of[each.server]} was begun with while {other} of wave {wave_of[other]} was"
            for other in each.under_way
            if each.server in wave_of and wave_of.get(other, wave_of[each.server]) != wave_of[each.server]
        ]
    return wrong


def canary_stops_the_run(judge: Judge, processes: list[Process]) -> list[str]:
    """Lesson 5: when a canary has failed, the process begins with nothing else."""
    wrong = []
    for process in processes:
        canaries = (
            {name for wave in process.orders.waves if wave.is_canary for name in wave.servers}
            if (process.orders)
            else set()
        )
        for each in judge.admitted:
            if each.process == process.number and (failed := each.failed_before & canaries):
                wrong.append(f"{each.server} was begun with after the canary {sorted(failed)} had failed")
    return wrong


def _waves(process: Process) -> dict[str, int]:
    orders = process.orders
    return {name: wave.number for wave in orders.waves for name in wave.servers} if orders else {}


def named_with_a_reason(servers: list[ServerRecord], waiting: str) -> list[str]:
    """Every server ends in a named state with a reason."""
    return [
        f"{each.name} ended as {each.state}: {each.reason!r}"
        for each in servers
        if each.state is None or not each.reason or each.reason == waiting
    ]


def nothing_unsettled(servers: list[ServerRecord]) -> list[str]:
    """Lesson 10: what is not known is reported as unknown, and held."""
    return [
        f"{each.name} is {each.state} with {[step.step.id for step in each.steps if not step.state.is_settled]} open"
        for each in servers
        if any(not step.state.is_settled for step in each.steps) and each.state is not ServerState.UNKNOWN
    ]


def nothing_owed(servers: list[ServerRecord], unclosed: set[str]) -> list[str]:
    """Lesson 10: once everything can be reached again, resuming finishes with every server."""
    return [
        f"{each.name} stays owed: {each.state}: {each.reason}"
        for each in servers
        if each.name in unclosed and SOMEBODY_ELSES not in each.reason
    ]


def a_look_writes_nothing(before: dict[str, Settings], world: World) -> list[str]:
    """Lesson 1: a dry run writes nothing on a target."""
    return [
        f"{name}: {each.what}"
        for name, server in world.wire.servers.items()
        for each in server.deeds
        if each.what in ("clear", "restore", "iisreset", "backup", "start", "close")
    ] + [name for name, server in world.wire.servers.items() if server.memory.keys() != before[name].memory.keys()]


def put_back_exactly(world: World, before: dict[str, Settings], names: list[str]) -> list[str]:
    """Lesson 2: a rollback restores exactly what was, explicit and inherited values too, in memory and in the file."""
    return [
        f"{name}: {before[name]} became {world.wire.servers[name].settings}"
        for name in names
        if world.wire.servers[name].settings != before[name]
    ]
