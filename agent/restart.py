"""Owns the restart of IIS on one server: sent once, awaited, stopped services started again, its marker removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.act import Actor, Deed, Look, Seen, Trouble, trouble_of
from agent.answers import Answer, number, of_kind, only
from agent.errors import ScriptFailed, ServerError, TimedOut
from agent.model import Action, Prior, Record, Script, ServerPlan, Step, StepState
from agent.retry import Questioner
from agent.sane import duration
from agent.transport import Arguments

WAIT_SECONDS = 5
"""How long one question about a restart may wait for its end on the server; far below every time-out of the wire."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a restart may take, in seconds: for the services to stop, and in all before it counts as overdue."""

    timeout: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Restarted:
    """How the restart ended: the seconds it took, where known, and what iisreset said."""

    seconds: float | None
    exit_code: int = 0
    output: str = ""


class IisRestart:
    """The restart of one run on one server: the steps restart, start-services and close."""

    def __init__(
        self,
        run: str,
        plan: ServerPlan,
        actor: Actor,
        scripts: Mapping[str, Script],
        limits: Limits,
        wait: Questioner,
    ) -> None:
        """`wait` is the patience for it to end; the actor's own is for everything else."""
        self._run = run
        self._planned = tuple(step for step in plan.steps if step.action is Action.RESTART)
        self._actor = actor
        self._scripts = scripts
        self._limits = limits
        self._wait = wait
        self._is_waited_out = False  # the whole patience was spent on a server that did not answer
        self._last: list[Record] | None = None  # what the server said at the end of the restart, not looked at yet
        self.ended: Restarted | None = None

    def restart(self) -> Trouble | None:
        """Restart IIS once, wait for its end, and start what ran before and does not run now."""
        if not self._planned:
            return None
        (step,) = self._planned
        ended = self._actor.take(Deed(step, lambda: self._send_restart(step), self._look_at_restart))
        trouble = trouble_of(ended, "IIS could not be restarted")
        if step.script != "recycle" and (trouble is None or trouble.is_unsure):
            last, self._last = self._last, None
            trouble = self._bring_back(trouble, last)
        if trouble is None and self.ended is not None and self.ended.exit_code:
            trouble = Trouble(f"{step.script}: exit code {self.ended.exit_code}: {self.ended.output}")
        return trouble

    def settle(self) -> Trouble | None:
        """Find out by looking what became of what a run before left in doubt; nothing else is begun."""
        try:
            was_in_doubt = self._is_in_doubt(Action.RESTART)
            if was_in_doubt:
                self._settle_restart(*self._planned)
            trouble = self._bring_back(None) if was_in_doubt and self.ended else None
            self._settle_services()
            if trouble is None and self._is_in_doubt(Action.CLOSE):
                trouble = self.close()  # what it removes is needed no more, or it would not have been begun
        except ServerError as error:
            return Trouble(f"what became of the restart could not be seen: {error.message}", is_unsure=True,
                           next_step=error.next_step)  # fmt: skip
        return trouble

    def look_again(self) -> Trouble | None:
        """The services once more, for a server whose restart was not seen to end; whatever ran before is started."""
        return self._bring_back(None) if any(step.script != "recycle" for step in self._planned) else None

    def start_again(self) -> Trouble | None:
        """Once more what a process before could not start: who takes over must not forget what it found."""
        return self._bring_back(None) if self._actor.begun(Action.START_SERVICES) else None

    def close(self) -> Trouble | None:
        """Remove the files that a restart left on the server."""
        if not any(self._actor.state(step) for step in self._planned):
            return None
        script = self._scripts["close"]
        step = Step(str(Action.CLOSE), Action.CLOSE, script.id, script.sha256)
        arguments: Arguments = {"Run": self._run, "DeadlineSeconds": self._limits.deadline}

        def send() -> str:
            answer = only(self._actor.server, self._actor.send(script, arguments))
            return f"removed {_count(answer['Removed'])} files"

        def look() -> Look:
            gone = self._marker(self._status())["State"] == "absent"
            return Look(Seen.DONE if gone else Seen.NOT_DONE)

        return trouble_of(self._actor.take(Deed(step, send, look)), "the marker of the restart could not be removed")

    # --- how it is sent and looked at ----------------------------------------------------------------------------

    def _send_restart(self, step: Step) -> str:
        self._actor.send(self._scripts[step.script], self._arguments(step))
        try:
            return self._await_end()
        except ServerError as error:
            # That the question never arrived says nothing about the restart, which did.
            message = f"it was sent, and its end could not be seen: {error.message}"
            raise TimedOut(self._actor.server, message, error.next_step) from error

    def _arguments(self, step: Step) -> dict[str, str | int]:
        if step.script == "recycle":
            return {"Run": self._run, **{name: str(value) for name, value in step.arguments}}
        limits = self._limits
        return {"Run": self._run, "TimeoutSeconds": limits.timeout, "DeadlineSeconds": limits.deadline}

    def _look_at_restart(self) -> Look:
        """The marker tells whether it was ever begun; if so, its end is awaited, and never a second one sent."""
        if self._marker(self._status())["State"] == "absent":
            return Look(Seen.NOT_DONE, "looked: there is no marker of this run, so nothing was started")
        try:
            return Look(Seen.DONE, self._await_end())
        except ScriptFailed as error:
            return Look(Seen.UNCLEAR, error.message)

    def _await_end(self) -> str:
        found = self._until_over()
        status = self._marker(found)
        if status["State"] != "ended":
            raise ScriptFailed(
                self._actor.server,
                f"the restart has not ended {self._limits.deadline} s after it began (marker: {status['State']})",
                "Look at the services of the server; easfix never restarts IIS a second time in one run.",
            )
        self.ended = restarted = _ended(self._actor.server, status)
        self._last = found
        took = f" in {restarted.seconds:.1f} s" if restarted.seconds is not None else ""
        return f"exit code {restarted.exit_code}{took}"

    def _until_over(self) -> list[Record]:
        """What the server says when the restart is over, or the patience for it."""
        return self._patiently(lambda: self._wait.ask(self._status_once, is_good=self._is_over))

    def _is_over(self, records: Sequence[Record]) -> bool:
        return self._marker(records)["State"] in ("ended", "overdue", "absent")

    # --- what became of it, for a run that goes on ----------------------------------------------------------------

    def _settle_restart(self, step: Step) -> None:
        """Ended, never begun, or given up waiting for: each is an end (restart.ps1)."""
        status = self._marker(self._until_over())
        match status["State"]:
            case "ended":
                self.ended = _ended(self._actor.server, status)
                self._actor.settle(step, f"looked: exit code {self.ended.exit_code}")
            case "absent" if self._is_closed():
                self._actor.settle(step, "its marker was removed, which is only done after its end")
            case "absent":
                self._actor.give_up(step, "looked: there is no marker of this run, so nothing was started")
            case "overdue":
                self._actor.settle(step, "it was claimed, and its end was never recorded")
            case _:
                raise TimedOut(self._actor.server, "the restart is still going on", "Wait for it to end.")

    def _settle_services(self) -> None:
        doubted = [step for step in self._actor.in_doubt if step.action is Action.START_SERVICES]
        if not doubted:
            return
        states = {str(found["Name"]): str(found["State"]) for found in of_kind(self._status(), "service")}
        for step in doubted:
            down = {name: state for name in step.id.split()[1:] if (state := states.get(name, "missing")) != "Running"}
            if down:
                self._actor.give_up(step, f"looked: {', '.join(f'{name} is {state}' for name, state in down.items())}")
            else:
                self._actor.settle(step, "looked: they run")

    def _is_in_doubt(self, action: Action) -> bool:
        return any(step.action is action for step in self._actor.in_doubt)

    def _is_closed(self) -> bool:
        script = self._scripts["close"]
        return self._actor.state(Step(str(Action.CLOSE), Action.CLOSE, script.id, script.sha256)) is StepState.DONE

    # --- the services ----------------------------------------------------------------------------------------------

    def _bring_back(self, trouble: Trouble | None, last: list[Record] | None = None) -> Trouble | None:
        """Start the services that ran before; only that is safe to do, whatever became of the restart (domain 5.2).

        `last` is what the server said just now; asked again, it would have to list all its services once more.
        """
        try:
            status = last if last is not None else self._status()
            if self.ended is None and self._marker(status)["State"] == "ended":
                self.ended = _ended(self._actor.server, self._marker(status))  # a run before saw the end, and broke off
            missing = self._missing(status)
            if missing:
                self._start(missing)
                missing = self._missing(self._status())
        except ServerError as error:
            return Trouble(f"the services could not be looked at: {error.message}", is_unsure=True)
        if missing:
            names = ", ".join(missing)
            return Trouble(
                f"ran before and does not run now: {names}", next_step=f"Start by hand: {names}.", is_lasting=True
            )
        return trouble

    def _start(self, names: Sequence[str]) -> None:
        script = self._scripts["start-services"]
        step = Step(f"{Action.START_SERVICES} {' '.join(names)}", Action.START_SERVICES, script.id, script.sha256)
        arguments: Arguments = {"Name": list(names), "TimeoutSeconds": max(30, self._limits.timeout)}
        originals = tuple(Prior(f"service/{name}", "State", "Running") for name in names)

        answered: list[Answer] = []

        def send() -> str:
            answered[:] = of_kind(self._actor.send(script, arguments), "service")
            words = "; ".join(
                f"{found['Name']} is {found['State']} {found['Message'] or ''}".strip() for found in answered
            )
            if any(found["State"] != "Running" for found in answered):
                raise ScriptFailed(self._actor.server, words)
            return words

        def look() -> Look:
            if not set(self._missing(self._status())) & set(names):
                return Look(Seen.DONE)
            # The server has tried as long as it may: once more would only keep mail down for longer.
            return Look(Seen.UNCLEAR if answered else Seen.NOT_DONE)

        if self._actor.take(Deed(step, send, look, originals)).state is StepState.UNKNOWN and answered:
            self._settle_services()

    def _missing(self, status: Sequence[Record]) -> list[str]:
        """Whatever the marker says ran before, or, where it is removed already, the record of an earlier attempt."""
        known = {name for step in self._actor.begun(Action.START_SERVICES) for name in _names(step)}
        stopped = [found for found in of_kind(status, "service") if found["State"] != "Running"]
        return [str(found["Name"]) for found in stopped if found["RanBefore"] or found["Name"] in known]

    # --- what the server says --------------------------------------------------------------------------------------

    def _status(self) -> list[Record]:
        """Asked once while a server is gone for which all patience was spent: each more would take as long again."""
        ask = self._actor.send if self._is_waited_out else self._actor.ask
        return self._patiently(lambda: ask(self._scripts["restart-status"], self._question()))

    def _patiently(self, ask: Callable[[], list[Record]]) -> list[Record]:
        """The answer; it is kept in mind whether all patience was in vain."""
        try:
            answer = ask()
        except ServerError as error:
            self._is_waited_out = error.retryable
            raise
        self._is_waited_out = False
        return answer

    def _status_once(self) -> list[Record]:
        question = {**self._question(), "WaitSeconds": WAIT_SECONDS}
        return self._actor.send(self._scripts["restart-status"], question)

    def _question(self) -> dict[str, str | int]:
        (step,) = self._planned
        return {"Run": self._run, "DeadlineSeconds": self._limits.deadline, "What": step.script}

    def _marker(self, status: Sequence[Record]) -> Answer:
        """What the status says about the restart itself."""
        return only(self._actor.server, of_kind(status, "restart"))


def _names(step: Step) -> list[str]:
    """The services that a step was to start."""
    return step.id.split()[1:]


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)


def _ended(server: str, marker: Answer) -> Restarted:
    return Restarted(duration(marker["Seconds"]), number(server, marker, "ExitCode"), str(marker["Output"]))
