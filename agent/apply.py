"""Owns the steps of the cure on one server: back up, clear, restart, start what did not come back, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.act import Actor, Deed, Ended, Look, Seen
from agent.answers import Answer, each, number, of_kind, only
from agent.errors import BadAnswer, ScriptFailed, ServerError, TimedOut
from agent.model import Action, Change, Prior, Record, Script, ServerPlan, SslFlags, Step, StepState
from agent.retry import Questioner, never
from agent.transport import Arguments

FLAGS = "AccessSSLFlags"
WAIT_SECONDS = 5
"""How long one question about a restart may wait for its end on the server; far below every time-out of the wire."""

ACCOUNTED = (StepState.DONE, StepState.UNDONE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a restart may take, in seconds: for the services to stop, and in all before it counts as overdue."""

    timeout: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong; `is_unsure` when it is not known what the server looks like now.

    `is_lasting` when putting the flags back does not mend it, such as a service that does not start.
    """

    message: str
    is_unsure: bool = False
    next_step: str = ""
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Restarted:
    """How the restart ended: the seconds it took, where known, and what iisreset said."""

    seconds: float | None
    exit_code: int = 0
    output: str = ""


class Cure:
    """The writes on one server, each of them a step in the journal."""

    def __init__(
        self,
        run: str,
        plan: ServerPlan,
        actor: Actor,
        scripts: Mapping[str, Script],
        limits: Limits,
        wait: Questioner,
        is_stopping: Callable[[], bool] = never,
    ) -> None:
        """`wait` is the patience for a restart to end; the actor's own is for everything else."""
        self._run = run
        self._plan = plan
        self._actor = actor
        self._scripts = scripts
        self._limits = limits
        self._wait = wait
        self._is_stopping = is_stopping
        self._steps = {step.id: step for step in plan.steps}
        self._unsaved: dict[str, str] = {}
        self.restarted: Restarted | None = None

    # --- the steps -----------------------------------------------------------------------------------------------

    def back_up(self) -> Trouble | None:
        """The metabase backup: insurance only, but without it nothing is written."""
        step = self._only(Action.BACK_UP)
        name = f"easfix-{self._run}"

        def send() -> str:
            answer = only(self._actor.server, self._actor.send(self._scripts["backup"], {"Name": name}))
            return f"{answer['File']}, {answer['Bytes']} bytes"

        def look() -> Look:
            # The script makes the backup of this name once: asking it again is asking whether it is there.
            try:
                return Look(Seen.DONE, send())
            except ScriptFailed as error:
                return Look(Seen.NOT_DONE, error.message)

        return _trouble(self._actor.take(Deed(step, send, look)), "the metabase could not be backed up")

    def clear(self) -> Trouble | None:
        """The flag word of each key; the prior values are durable before the first write.

        Whoever stops the run stops it between two keys as well: what was not reached stays as it is.
        """
        changes: list[Change] = []
        for step in self._all(Action.CLEAR):
            if changes and self._is_stopping():
                return None
            change = next(each for each in self._plan.changes if each.path == step.path)
            ended = self._actor.take(self._clearing(step, change))
            if trouble := _trouble(ended, f"{change.path} could not be changed"):
                return trouble
            changes.append(change)
        return self._check_saved(changes)

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

    def settle(self) -> Trouble | None:
        """Find out by looking what became of every write that a run before left in doubt; nothing else is begun.

        For a server that is finished with. The flags themselves are not looked at here: the way back does that.
        """
        if self._is_in_doubt(Action.BACK_UP):
            self.back_up()  # it is made once, and changes no setting: asking again settles it
        try:
            was_in_doubt = self._is_in_doubt(Action.RESTART)
            if was_in_doubt:
                self._settle_restart(*self._all(Action.RESTART))
            trouble = self._bring_back(None) if was_in_doubt and self.restarted else None
            self._settle_services()
            if trouble is None and self._is_in_doubt(Action.CLOSE):
                trouble = self.close()  # what it removes is needed no more, or it would not have been begun
        except ServerError as error:
            return Trouble(f"what became of the restart could not be seen: {error.message}", is_unsure=True,
                           next_step=error.next_step)  # fmt: skip
        return trouble

    def start_again(self) -> Trouble | None:
        """Once more what a process before could not start: who takes over must not forget what it found."""
        return self._bring_back(None) if self._actor.begun(Action.START_SERVICES) else None

    def _settle_restart(self, step: Step) -> None:
        """Ended, never begun, or given up waiting for: each is an end (restart.ps1)."""
        status = self._marker(self._wait.ask(self._status_once, is_good=self._is_over))
        match status["State"]:
            case "ended":
                self.restarted = self._ended(status)
                self._actor.settle(step, f"looked: exit code {self.restarted.exit_code}")
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

    def close(self) -> Trouble | None:
        """Remove the files that a restart left on the server."""
        if not any(self._actor.state(step) for step in self._all(Action.RESTART)):
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

        return _trouble(self._actor.take(Deed(step, send, look)), "the marker of the restart could not be removed")

    def _check_saved(self, changes: Sequence[Change]) -> Trouble | None:
        """What the file says, before a restart may bring it back (domain 2.6); a run before may have done the write."""
        try:
            answers = self._read([change.path for change in changes])
        except ServerError as error:
            return Trouble(f"changed, but it could not be looked at whether it is saved: {error.message}",
                           is_unsure=True, next_step=error.next_step)  # fmt: skip
        for change, answer in zip(changes, answers, strict=True):
            if answer["IsFileReadable"] is True and not _is_saved(answer, change):
                self._unsaved.setdefault(change.path, "the file still holds the old value")
        if not self._unsaved:
            return None
        words = "; ".join(f"{path}: {why}" for path, why in self._unsaved.items())
        return Trouble(
            f"changed in memory but not saved, so a restart would lose it: {words}",
            next_step="Free some disk space, and look at the event log of the server.",
        )

    # --- how each is sent and looked at --------------------------------------------------------------------------

    def _clearing(self, step: Step, change: Change) -> Deed:
        held = "explicit" if change.is_explicit else "inherited"
        arguments: Arguments = {
            "Path": change.path,
            "Before": change.before.signed,
            "After": change.after.signed,
            "Held": held,
        }

        def send() -> str:
            answer = only(self._actor.server, self._actor.send(self._scripts["clear"], arguments))
            if (
                SslFlags.of(number(self._actor.server, answer, "Flags")) != change.after
                or answer["Explicit"] is not True
            ):
                raise BadAnswer(self._actor.server, f"{change.path} reads {answer['Flags']} after it was written")
            if answer["Saved"] is not True:
                self._unsaved[change.path] = str(answer["Message"])
            return f"{change.before.meaning} -> {change.after.meaning}"

        def look() -> Look:
            return judge_flags(self._actor.server, self._read([change.path])[0], change)

        prior = Prior(change.path, FLAGS, int(change.before), change.is_explicit, change.inherited_from)
        return Deed(step, send, look, (prior,))

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
        status = self._marker(self._wait.ask(self._status_once, is_good=self._is_over))
        if status["State"] != "ended":
            raise ScriptFailed(
                self._actor.server,
                f"the restart has not ended {self._limits.deadline} s after it began (marker: {status['State']})",
                "Look at the services of the server; easfix never restarts IIS a second time in one run.",
            )
        self.restarted = restarted = self._ended(status)
        took = f" in {restarted.seconds:.1f} s" if restarted.seconds is not None else ""
        return f"exit code {restarted.exit_code}{took}"

    def _is_over(self, records: Sequence[Record]) -> bool:
        return self._marker(records)["State"] in ("ended", "overdue", "absent")

    def _bring_back(self, trouble: Trouble | None) -> Trouble | None:
        """Start the services that ran before; only that is safe to do, whatever became of the restart (domain 5.2)."""
        try:
            status = self._status()
            if self.restarted is None and self._marker(status)["State"] == "ended":
                self.restarted = self._ended(self._marker(status))  # a run before saw the end, and broke off
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

    def _read(self, paths: Sequence[str]) -> list[Answer]:
        found = self._actor.ask(self._scripts["readback"], {"Path": list(paths)})
        return each(self._actor.server, found, len(paths))

    def _status(self) -> list[Record]:
        return self._actor.ask(self._scripts["restart-status"], self._question())

    def _status_once(self) -> list[Record]:
        question = {**self._question(), "WaitSeconds": WAIT_SECONDS}
        return self._actor.send(self._scripts["restart-status"], question)

    def _question(self) -> dict[str, str | int]:
        (step,) = self._all(Action.RESTART)
        return {"Run": self._run, "DeadlineSeconds": self._limits.deadline, "What": step.script}

    def _marker(self, status: Sequence[Record]) -> Answer:
        """What the status says about the restart itself."""
        return only(self._actor.server, of_kind(status, "restart"))

    def _ended(self, marker: Answer) -> Restarted:
        seconds = marker["Seconds"]
        took = float(seconds) if isinstance(seconds, int | float) else None
        return Restarted(took, number(self._actor.server, marker, "ExitCode"), str(marker["Output"]))

    def _missing(self, status: Sequence[Record]) -> list[str]:
        """Whatever the marker says ran before, or, where it is removed already, the record of an earlier attempt."""
        known = {name for step in self._actor.begun(Action.START_SERVICES) for name in _names(step)}
        stopped = [found for found in of_kind(status, "service") if found["State"] != "Running"]
        return [str(found["Name"]) for found in stopped if found["RanBefore"] or found["Name"] in known]

    def _all(self, action: Action) -> list[Step]:
        return [step for step in self._steps.values() if step.action is action]

    def _only(self, action: Action) -> Step:
        (step,) = self._all(action)
        return step


def _names(step: Step) -> list[str]:
    """The services that a step was to start."""
    return step.id.split()[1:]


def _is_saved(answer: Answer, change: Change) -> bool:
    """The file holds a value of the key's own, without the bits that the change took away."""
    word = answer["SavedWord"]
    return answer["SavedExplicit"] is True and isinstance(word, int) and not word & change.before & ~change.after


def judge_flags(server: str, answer: Answer, change: Change) -> Look:
    """Whether a key holds what a change was to make of it, what it held before, or neither."""
    if answer["Exists"] is not True or answer["Flags"] is None:
        return Look(Seen.UNCLEAR, f"{change.path} is not there any more")
    now, is_own = SslFlags.of(number(server, answer, "Flags")), answer["Explicit"] is True
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


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
