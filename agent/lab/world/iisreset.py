"""Owns iisreset: what it stops, kills, starts and says. domain 2.6, 5"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.lab.world import iisreset_text as text
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.eventlog import EntryType
from agent.lab.world.iisreset_options import Command, Options, UsageProblem, parse
from agent.lab.world.service import Service, ServiceState, StartMode

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process

START_RECEIVED, STOP_RECEIVED, KILL_RECEIVED = 3201, 3202, 3206  # System log, source IISCTLS; 3206 [bg]
DISABLED_VALUE = (r"SOFTWARE\Microsoft\InetStp", "IISResetDisabled")  # where the lab keeps /DISABLE [bg]

# Status too: each of these methods of IIisServiceControl then answers ERROR_RESOURCE_DISABLED. ms525497
_REFUSED_WHEN_DISABLED = (Command.RESTART, Command.START, Command.STOP, Command.REBOOT, Command.STATUS)


@dataclass(frozen=True, slots=True)
class ResetResult:
    """What the caller of iisreset.exe sees: 0 is good, everything else failed. domain 5.3"""

    exit_code: int
    output: str


class Failure(Exception):  # noqa: N818 - not an error of ours: it becomes text and an exit code
    """The command cannot go on; `error` says why in Windows' words."""

    def __init__(self, error: WorldError) -> None:
        super().__init__(error.message)
        self.error = error


class IisReset:
    """`seconds` is what a reset costs on top of what slow services take; for three quarters of it IIS is down.

    `loses_change` makes IISADMIN die before its save in every reset, /NOFORCE included (domain 2.6);
    `leaves_stopped` names services that a reset does not bring back (KB907857, domain 5.2).
    """

    def __init__(self, machine: Machine, roots: tuple[str, ...] = ("IISADMIN",)) -> None:
        self._machine = machine
        self.roots = roots
        self.seconds = 12.0
        self.loses_change = False
        self.leaves_stopped: set[str] = set()

    @property
    def is_disabled(self) -> bool:
        """True after `iisreset /disable`."""
        return self._machine.registry.get(*DISABLED_VALUE) == 1

    def disable(self, disabled: bool = True) -> None:
        """What /DISABLE and /ENABLE do."""
        self._machine.registry.create(DISABLED_VALUE[0])
        self._machine.registry.set(*DISABLED_VALUE, int(disabled))

    def run(
        self, arguments: list[str], process: Process | None = None, say: Callable[[str], None] | None = None
    ) -> ResetResult:
        """Run to the end, which takes its time; `say` gets each piece of the output as it comes.

        When `process` is killed on the way, it goes no further: what is stopped then stays stopped.
        """
        run = _Run(self._machine, self, process, say)
        try:
            options = parse(arguments)
        except UsageProblem:
            run.say(text.USAGE)
            return ResetResult(1, run.output)
        return ResetResult(run.obey(options), run.output)


class _Run:
    """One call of iisreset.exe."""

    def __init__(
        self, machine: Machine, reset: IisReset, process: Process | None, say: Callable[[str], None] | None
    ) -> None:
        self._machine = machine
        self._reset = reset
        self._process = process
        self._tell = say
        self.output = ""

    def say(self, words: str) -> None:
        """Print, with the line ends of a console."""
        words = words.replace("\n", "\r\n")
        self.output += words
        if self._tell is not None:
            self._tell(words)

    def obey(self, options: Options) -> int:
        """Do it; the exit code."""
        if options.command is Command.HELP:
            self.say(text.USAGE)
            return 0
        if self._process is not None and not self._machine.is_administrator(self._process.owner):
            self.say(text.NOT_ADMINISTRATOR)
            return 1
        try:
            self._act(options)
        except Failure as failure:
            self.say(text.failed(options.command, failure.error))
            if options.reboot_on_error:
                self._machine.reboot(self._machine.reboot_seconds)
            return 1
        return 0

    def _act(self, options: Options) -> None:
        if self._reset.is_disabled and options.command in _REFUSED_WHEN_DISABLED:
            raise Failure(WorldError(ErrorKind.RESOURCE_DISABLED, "iisreset"))
        match options.command:
            case Command.STATUS:
                self.say("".join(text.status(each) for each in self._status()))
            case Command.ENABLE | Command.DISABLE:
                self._reset.disable(options.command is Command.DISABLE)
                self.say(text.DISABLED if self._reset.is_disabled else text.ENABLED)
            case Command.REBOOT:
                self.say(text.REBOOTING)
                self._machine.reboot(self._machine.reboot_seconds)
            case Command.STOP:
                self._stop(options)
            case Command.START:
                self._start(text.STARTED)
            case Command.RESTART:
                self._stop(options)
                self._start(text.RESTARTED)

    # --- stop --------------------------------------------------------------------------------------------------

    def _stop(self, options: Options) -> None:
        self._machine.counters.count("iisresets")
        self._log(STOP_RECEIVED, "stop")
        self.say(text.STOPPING)
        deadline = self._machine.clock.monotonic() + options.limit
        self._pause(self._reset.seconds / 8)
        is_stopped = all(self._stop_one(service, deadline) for service in self._targets())
        if not is_stopped:
            if options.no_force:
                raise Failure(WorldError(ErrorKind.SERVICE_TIMEOUT, "iisreset"))
            self._kill()
        self._pause(self._reset.seconds * 3 / 8)
        self.say(text.STOPPED)

    def _stop_one(self, service: Service, deadline: float) -> bool:
        services = self._machine.services
        try:
            self._request_stop(service)
        except WorldError as error:
            raise Failure(error) from error
        left = deadline - self._machine.clock.monotonic()
        is_stopped = services.wait(service.name, ServiceState.STOPPED, max(0.0, left), self._is_killed)
        self._check()
        return is_stopped

    def _request_stop(self, service: Service) -> None:
        with self._machine.lock:
            if service.state not in (ServiceState.RUNNING, ServiceState.PAUSED):
                return
            if service.name == "IISADMIN" and self._reset.loses_change:
                self._machine.services.crash(service.name)
            else:
                self._machine.services.request_stop(service.name)

    def _kill(self) -> None:
        """Terminate what hosts a service that would not stop; nothing in it is saved. domain 2.6"""
        self._log(KILL_RECEIVED, "kill")
        self._machine.counters.count("iisreset_kills")
        with self._machine.lock:
            for service in self._targets():
                if service.process is not None:
                    self._machine.processes.kill(service.process)
                self._machine.services.end_all([service.name], clean=False)

    # --- start -------------------------------------------------------------------------------------------------

    def _start(self, done: str) -> None:
        self._log(START_RECEIVED, "start")
        self.say(text.STARTING)
        self._pause(self._reset.seconds * 3 / 8)
        targets = [each for each in reversed(list(self._targets())) if self._brings_back(each)]
        for service in targets:
            self._start_one(service)
        self._pause(self._reset.seconds / 8)
        self.say(done)

    def _brings_back(self, service: Service) -> bool:
        is_left = service.name.lower() in {name.lower() for name in self._reset.leaves_stopped}
        return service.name in self._reset.roots or (service.start_mode is StartMode.AUTOMATIC and not is_left)

    def _start_one(self, service: Service) -> None:
        try:
            self._machine.services.start(service.name, woken=self._is_killed)
        except WorldError as error:
            self._check()
            raise Failure(error) from error
        self._check()

    # --- both --------------------------------------------------------------------------------------------------

    def _targets(self) -> Iterator[Service]:
        """What depends on the roots, the farthest first, then the roots."""
        seen: set[str] = set()
        for root in self._reset.roots:
            for service in (*self._machine.services.dependents(root), self._machine.services.get(root)):
                if service.name not in seen and service.name not in self._reset.roots:
                    seen.add(service.name)
                    yield service
        for root in self._reset.roots:
            yield self._machine.services.get(root)

    def _status(self) -> list[Service]:
        return [each for each in reversed(list(self._targets())) if each.start_mode is not StartMode.DISABLED]

    def _log(self, event_id: int, verb: str) -> None:
        user = self._process.owner if self._process else "NT AUTHORITY\\SYSTEM"
        message = f"IIS {verb} command received from user {user}. The logged data is the status code."
        self._machine.logs.write("System", "IISCTLS", event_id, EntryType.INFORMATION, message, strings=(user,))

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._machine.clock.sleep(seconds, self._is_killed)
        self._check()

    def _is_killed(self) -> bool:
        return self._process is not None and self._process.killed.is_set()

    def _check(self) -> None:
        if self._is_killed():
            raise Failure(WorldError(ErrorKind.ACCESS_DENIED, "terminated"))
