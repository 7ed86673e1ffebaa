"""Owns the taking of one step: written down first, sent once, and looked at where the answer is not clear.

                    sent, answered well ------------------------------> done
intended ---------> refused, or certainly never arrived --------------> failed
                    anything else --> unknown --> look:   it happened -> done
                                                          it did not --> intended, and sent once more
                                                          cannot tell -> unknown, for `resume`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from agent.errors import EasfixError, ScriptFailed, ServerError, told_by
from agent.journal import OpenRun
from agent.model import Action, Prior, Proof, Record, Script, Step, StepRecord, StepState
from agent.notice import Listen, Notice
from agent.playbook import REFUSAL
from agent.retry import Questioner
from agent.transport import Arguments, Transport

SENDINGS = 2
"""A write is sent again only after a look has shown that the first one did nothing, and then no third time."""


_REFUSED = re.compile(rf"[a-z-]+: {re.escape(REFUSAL)}")
"""A `ScriptFailed` begins with the script's id, then the script's own words."""


class Seen(Enum):
    """What a look says about a write."""

    DONE = "done"
    NOT_DONE = "not done"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Look:
    """The answer of a look, in a word and in a sentence."""

    seen: Seen
    message: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """A step with how to send it, and how to look whether it has happened; both may raise a `ServerError`."""

    step: Step
    send: Callable[[], str]
    look: Callable[[], Look]
    originals: tuple[Prior, ...] = ()
    why: str = ""  # goes on record with the intention


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended this time; `error` is what spoke last where it did not end well."""

    state: StepState
    message: str = ""
    error: EasfixError | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong; `is_unsure` when it is not known what the server looks like now.

    `is_lasting` when putting the flags back does not mend it, such as a service that does not start;
    `is_overwritten` when somebody else has written what was to be changed, so that no look will ever tell more.
    """

    message: str
    is_unsure: bool = False
    next_step: str = ""
    is_lasting: bool = False
    is_overwritten: bool = False


class Actor:
    """Takes the steps of one server. Holds the only way to write to it."""

    def __init__(
        self,
        server: str,
        run: OpenRun,
        transport: Transport,
        questioner: Questioner,
        before: Sequence[StepRecord],
        listen: Listen,
    ) -> None:
        """`before` is what the journal knows of the steps already: a run that broke off goes on from there."""
        self.server = server
        self._run = run
        self._transport = transport
        self._questioner = questioner
        self._states = {record.step.id: record.state for record in before}
        self._steps = {record.step.id: record.step for record in before}
        self._listen = listen

    def state(self, step: Step) -> StepState | None:
        """Where the step stands; None where it was never intended."""
        return self._states.get(step.id)

    @property
    def in_doubt(self) -> tuple[Step, ...]:
        """The steps of which it is not known what they did, in the order in which they were first intended."""
        return tuple(self._steps[id] for id, state in self._states.items() if not state.is_settled)

    def begun(self, action: Action) -> tuple[Step, ...]:
        """The steps of a kind that were ever intended, by this process or one before."""
        return tuple(step for step in self._steps.values() if step.action is action)

    def ask(self, script: Script, arguments: Arguments) -> list[Record]:
        """Put a question, again where it may be; raises the last `ServerError`."""
        return self._questioner.ask(lambda: self._transport.run(script, arguments))

    def send(self, script: Script, arguments: Arguments) -> list[Record]:
        """Send once."""
        return self._transport.run(script, arguments)

    def prove(self, judge: Callable[[datetime], Sequence[Proof]]) -> Sequence[Proof]:
        """Put on record what was seen, at the time of the record; gives it back."""
        proofs = judge(self._run.now())
        self._run.proved(self.server, proofs)
        return proofs

    def take(self, deed: Deed) -> Ended:
        """Take the step from wherever it stands to done, failed or unknown."""
        state = self.state(deed.step)
        if state in (StepState.DONE, StepState.UNDONE):
            return Ended(state)
        if state in (StepState.INTENDED, StepState.UNKNOWN):  # a run before broke off here
            ended = self._settle(deed)
            if ended.state is not StepState.INTENDED:
                return ended
        for _ in range(SENDINGS):
            ended = self._try(deed)
            if ended.state is not StepState.INTENDED:
                return ended
        why = f": {ended.error.message}" if ended.error else ""
        return self._note(
            deed, StepState.FAILED, f"sent twice, and each look found that it had not happened{why}", ended.error
        )

    def _try(self, deed: Deed) -> Ended:
        if self.state(deed.step) is not StepState.INTENDED:
            self._note(deed, StepState.INTENDED, deed.why)
        try:
            with told_by(self.server):
                message = deed.send()
        except ServerError as error:
            if is_untouched(error):
                return self._note(deed, StepState.FAILED, error.message, error)
            self._note(deed, StepState.UNKNOWN, error.message, error)
            return self._settle(deed, error)
        return self._note(deed, StepState.DONE, message)

    def _settle(self, deed: Deed, cause: EasfixError | None = None) -> Ended:
        """Look, as patiently as it takes."""
        if self.state(deed.step) is StepState.INTENDED:
            self._note(deed, StepState.UNKNOWN, "the run broke off here; looking")
        try:
            with told_by(self.server):
                look = deed.look()
        except ServerError as error:
            return Ended(StepState.UNKNOWN, f"could not look: {error.message}", error)
        match look.seen:
            case Seen.DONE:
                return self._note(deed, StepState.DONE, look.message or "looked: it had happened")
            case Seen.NOT_DONE:
                return self._note(deed, StepState.INTENDED, look.message or "looked: it had not happened", cause)
        return Ended(StepState.UNKNOWN, look.message, cause)

    def settle(self, step: Step, message: str) -> None:
        """A step in doubt has happened after all, as other evidence shows."""
        self._note(_bare(step), StepState.DONE, message)

    def give_up(self, step: Step, message: str) -> None:
        """A step in doubt has changed nothing, as a look shows, and is not sent any more."""
        if self.state(step) is StepState.UNKNOWN:
            self._note(_bare(step), StepState.INTENDED, message)
        self._note(_bare(step), StepState.FAILED, message)

    def doubt(self, step: Step) -> None:
        """A step that was only intended may have happened."""
        self._note(_bare(step), StepState.UNKNOWN, "the run broke off here")

    def note_undone(self, step: Step, message: str) -> None:
        """The step was taken back."""
        self._note(_bare(step), StepState.UNDONE, message)

    def _note(self, deed: Deed, state: StepState, message: str = "", error: EasfixError | None = None) -> Ended:
        originals = deed.originals if state is StepState.INTENDED else ()
        self._run.note(self.server, deed.step, state, originals=originals, message=message, error=error)
        self._states[deed.step.id] = state
        self._steps[deed.step.id] = deed.step
        self._listen(Notice(self.server, f"step.{state}", step=deed.step.id, message=message))
        return Ended(state, message, error)


def trouble_of(ended: Ended, what: str) -> Trouble | None:
    """What a step's end means for the server; `what` begins the sentence. None where it is accounted for."""
    if ended.state in (StepState.DONE, StepState.UNDONE):
        return None
    next_step = ended.error.next_step if ended.error else ""
    message = f"{what}: {ended.message}" if ended.message else what
    return Trouble(message, is_unsure=ended.state is StepState.UNKNOWN, next_step=next_step)


def is_untouched(error: ServerError) -> bool:
    """Certainly nothing was changed: it never arrived, or the script itself refused before it wrote."""
    return error.untouched or (isinstance(error, ScriptFailed) and bool(_REFUSED.match(error.message)))


def _bare(step: Step) -> Deed:
    """For a note about a step that is not to be sent."""
    return Deed(step, lambda: "", lambda: Look(Seen.UNCLEAR))
