"""Owns the steps of the cure on one server: back up, clear, restart, start what did not come back, close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.act import Actor, Deed, Ended, Look, Seen
from agent.errors import BadAnswer, ScriptFailed, ServerError
from agent.model import Action, Change, Prior, Record, Script, ServerPlan, SslFlags, Step, StepState
from agent.retry import Questioner
from agent.transport import Arguments

FLAGS = "AccessSSLFlags"
ACCOUNTED = (StepState.DONE, StepState.UNDONE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a restart may take, in seconds: for the services to stop, and in all before it counts as overdue."""

    timeout: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong; `is_unsure` when it is not known what the server looks like now."""

    message: str
    is_unsure: bool = False
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Restarted:
    """How the restart ended: the seconds it took, where known, and what iisreset said."""

    seconds: float | None
    exit_code: int = 0
    output: str = ""


class Cure:
    """The writes on one server, each of them a step in the journal."""

    def __init__(
        self, run: str, plan: ServerPlan, actor: Actor, scripts: Mapping[str, Script], limits: Limits, wait: Questioner
    ) -> None:
        """`wait` is the patience for a restart to end; the actor's own is for everything else."""
        self._run = run
        self._plan = plan
        self._actor = actor
        self._scripts = scripts
        self._limits = limits
        self._wait = wait
        self._steps = {step.id: step for step in plan.steps}
        self._unsaved: list[str] = []
        self.restarted: Restarted | None = None

    # --- the steps -----------------------------------------------------------------------------------------------

    def back_up(self) -> Trouble | None:
        """The metabase backup: insurance only, but without it nothing is written."""
        step = self._only(Action.BACK_UP)
        name = f"easfix-{self._run}"

        def send() -> str:
            (answer,) = self._actor.send(self._scripts["backup"], {"Name": name})
            return f"{answer['File']}, {answer['Bytes']} bytes"

        def look() -> Look:
            # The script makes the backup of this name once: asking it again is asking whether it is there.
            return Look(Seen.DONE, send())

        return _trouble(self._actor.take(Deed(step, send, look)), "the metabase could not be backed up")

    def clear(self) -> Trouble | None:
        """The flag word of each key; the prior values are durable before the first write."""
        for step in self._all(Action.CLEAR):
            change = next(each for each in self._plan.changes if each.path == step.path)
            ended = self._actor.take(self._clearing(step, change))
            if trouble := _trouble(ended, f"{change.path} could not be changed"):
                return trouble
        if self._unsaved:
            hint = "Free some disk space, and look at the event log of the server."
            return Trouble(f"changed in memory but not saved, so a restart would lose it: {'; '.join(self._unsaved)}",
                           next_step=hint)  # fmt: skip
        return None

    def restart(self) -> Trouble | None:
        """Restart IIS once, wait for its end, and start what ran before and does not run now."""
        found = self._all(Action.RESTART)
        if not found:
            return None
        (step,) = found
        ended = self._actor.take(Deed(step, lambda: self._send_restart(step), self._look_at_restart))
        trouble = _trouble(ended, "IIS could not be restarted")
        if step.script != "recycle" and (trouble is None or trouble.is_unsure):
            trouble = self._bring_back(trouble)
        if trouble is None and self.restarted is not None and self.restarted.exit_code:
            trouble = Trouble(f"{step.script}: exit code {self.restarted.exit_code}: {self.restarted.output}")
        return trouble

    def close(self) -> Trouble | None:
        """Remove the files that a restart left on the server."""
        if not any(self._actor.state(step) for step in self._all(Action.RESTART)):
            return None
        script = self._scripts["close"]
        step = Step(str(Action.CLOSE), Action.CLOSE, script.id, script.sha256)
        arguments: Arguments = {"Run": self._run, "DeadlineSeconds": self._limits.deadline}

        def send() -> str:
            (answer,) = self._actor.send(script, arguments)
            return f"removed {_count(answer['Removed'])} files"

        def look() -> Look:
            gone = self._status()[0]["State"] == "absent"
            return Look(Seen.DONE if gone else Seen.NOT_DONE)

        return _trouble(self._actor.take(Deed(step, send, look)), "the marker of the restart could not be removed")

    # --- how each is sent and looked at --------------------------------------------------------------------------

    def _clearing(self, step: Step, change: Change) -> Deed:
        held = "explicit" if change.is_explicit else "inherited"
        arguments: Arguments = {
            "Path": change.path,
            "Before": int(change.before),
            "After": int(change.after),
            "Held": held,
        }

        def send() -> str:
            (answer,) = self._actor.send(self._scripts["clear"], arguments)
            if SslFlags.of(number(answer, "Flags")) != change.after or answer["Explicit"] is not True:
                raise BadAnswer(self._actor.server, f"{change.path} reads {answer['Flags']} after it was written")
            if answer["Saved"] is not True:
                self._unsaved.append(f"{change.path}: {answer['Message']}")
            return f"{change.before.meaning} -> {change.after.meaning}"

        def look() -> Look:
            (answer,) = self._actor.ask(self._scripts["readback"], {"Path": [change.path]})
            found = judge_flags(answer, change)
            if found.seen is Seen.DONE and answer["IsFileReadable"] is True and answer["SavedExplicit"] is not True:
                self._unsaved.append(change.path)
            return found

        prior = Prior(change.path, FLAGS, int(change.before), change.is_explicit, change.inherited_from)
        return Deed(step, send, look, (prior,))

    def _send_restart(self, step: Step) -> str:
        self._actor.send(self._scripts[step.script], self._arguments(step))
        return self._await_end()

    def _arguments(self, step: Step) -> dict[str, str | int]:
        if step.script == "recycle":
            return {"Run": self._run, **{name: str(value) for name, value in step.arguments}}
        limits = self._limits
        return {"Run": self._run, "TimeoutSeconds": limits.timeout, "DeadlineSeconds": limits.deadline}

    def _look_at_restart(self) -> Look:
        """The marker tells whether it was ever begun; if so, its end is awaited, and never a second one sent."""
        if self._status()[0]["State"] == "absent":
            return Look(Seen.NOT_DONE, "looked: there is no marker of this run, so nothing was started")
        try:
            return Look(Seen.DONE, self._await_end())
        except ScriptFailed as error:
            return Look(Seen.UNCLEAR, error.message)

    def _await_end(self) -> str:
        def is_over(records: list[Record]) -> bool:
            return records[0]["State"] in ("ended", "overdue", "absent")

        status = self._wait.ask(self._status_once, is_good=is_over)[0]
        if status["State"] != "ended":
            raise ScriptFailed(
                self._actor.server,
                f"the restart has not ended {self._limits.deadline} s after it began (marker: {status['State']})",
                "Look at the services of the server; easfix never restarts IIS a second time in one run.",
            )
        seconds = status.get("Seconds")
        took = float(seconds) if isinstance(seconds, int | float) else None
        self.restarted = Restarted(took, number(status, "ExitCode"), str(status["Output"]))
        return f"exit code {self.restarted.exit_code}" + (f" in {took:.1f} s" if took is not None else "")

    def _bring_back(self, trouble: Trouble | None) -> Trouble | None:
        """Start the services that ran before; only that is safe to do, whatever became of the restart (domain 5.2)."""
        try:
            missing = self._missing(self._status())
            if missing:
                self._start(missing)
                missing = self._missing(self._status())
        except ServerError as error:
            return Trouble(f"the services could not be looked at: {error.message}", is_unsure=True)
        if missing:
            names = ", ".join(missing)
            return Trouble(f"ran before and does not run now: {names}", next_step=f"Start by hand: {names}.")
        return trouble

    def _start(self, names: Sequence[str]) -> None:
        script = self._scripts["start-services"]
        step = Step(f"{Action.START_SERVICES} {' '.join(names)}", Action.START_SERVICES, script.id, script.sha256)
        arguments: Arguments = {"Name": list(names), "TimeoutSeconds": max(30, self._limits.timeout)}
        originals = tuple(Prior(f"service/{name}", "State", "Running") for name in names)

        def send() -> str:
            answers = self._actor.send(script, arguments)
            return "; ".join(f"{each['Name']} is {each['State']} {each['Message']}".strip() for each in answers)

        def look() -> Look:
            missing = set(self._missing(self._status())) & set(names)
            return Look(Seen.NOT_DONE if missing else Seen.DONE)

        self._actor.take(Deed(step, send, look, originals))

    def _status(self) -> list[Record]:
        return self._actor.ask(self._scripts["restart-status"], self._question())

    def _status_once(self) -> list[Record]:
        return self._actor.send(self._scripts["restart-status"], self._question())

    def _question(self) -> dict[str, str | int]:
        (step,) = self._all(Action.RESTART)
        return {"Run": self._run, "DeadlineSeconds": self._limits.deadline, "What": step.script}

    def _missing(self, status: Sequence[Record]) -> list[str]:
        services = [each for each in status if each["Kind"] == "service"]
        return [str(each["Name"]) for each in services if each["RanBefore"] and each["State"] != "Running"]

    def _all(self, action: Action) -> list[Step]:
        return [step for step in self._steps.values() if step.action is action]

    def _only(self, action: Action) -> Step:
        (step,) = self._all(action)
        return step


def judge_flags(answer: Record, change: Change) -> Look:
    """Whether a key holds what a change was to make of it, what it held before, or neither."""
    if answer["Exists"] is not True or answer["Flags"] is None:
        return Look(Seen.UNCLEAR, f"{change.path} is not there any more")
    now, is_own = SslFlags.of(number(answer, "Flags")), answer["Explicit"] is True
    if now == change.after and is_own:
        return Look(Seen.DONE, f"looked: {change.path} holds {now.meaning}")
    if now == change.before and is_own == change.is_explicit:
        return Look(Seen.NOT_DONE, f"looked: {change.path} still holds {now.meaning}")
    return Look(Seen.UNCLEAR, f"{change.path} holds {now.meaning}, which is neither the old nor the new value")


def _trouble(ended: Ended, what: str) -> Trouble | None:
    if ended.state in ACCOUNTED:
        return None
    next_step = ended.error.next_step if ended.error else ""
    message = f"{what}: {ended.message}" if ended.message else what
    return Trouble(message, is_unsure=ended.state is StepState.UNKNOWN, next_step=next_step)


def number(answer: Record, name: str) -> int:
    """A whole number of an answer; raises `BadAnswer`."""
    value = answer[name]
    if not isinstance(value, int):
        raise BadAnswer("", f"{name} is {value!r} and not a number")
    return value


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
