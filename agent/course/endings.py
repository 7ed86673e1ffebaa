"""Owns the ways in which the work on one server ends: finished, come back, put back, left, stopped; each with words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.act import Actor, Trouble
from agent.apply import Cure
from agent.course.entry import Entry
from agent.course.tools import Tools
from agent.errors import Fenced, ServerError
from agent.model import Action, ServerState, StepState
from agent.outcome import NOT_BEGUN, came_back, sentences, state_of, words_of
from agent.remains import Remains
from agent.rollback import Rollback
from agent.verify import Summary

AS_BEFORE = "the flags are as they were before the run"


@dataclass(frozen=True, slots=True)
class Endings:
    """Concludes one server; whatever is said stands in the journal when a method returns."""

    tools: Tools
    entry: Entry
    actor: Actor
    cure: Cure

    @property
    def _outage(self) -> float | None:
        return self.cure.iis.ended.seconds if self.cure.iis.ended else None

    @property
    def _untouched(self) -> str:
        """Of a write whose answer was lost only the looks tell; whoever put the flag back at once hid it from them."""
        clears = [each for each in self.entry.record.steps if each.step.action is Action.CLEAR]
        is_certain = all(move.state is not StepState.UNKNOWN for each in clears for move in each.attempts)
        return "nothing was changed" if is_certain else "each look found the flags as they were before the run"

    def finish(self, summary: Summary) -> None:
        """Changed and proved; it is looked at again when Active Directory has had its chance."""
        due = self.tools.now() + self.tools.second_look
        trouble = self.cure.settle() or self.cure.iis.close()
        left = f"; {trouble.message}" if trouble else ""
        words = f"{summary.words}; second look due at {due:%Y-%m-%d %H:%M} UTC{left}"
        self.tools.run.owe_look(self.entry.server, due)
        self.entry.conclude(ServerState.CHANGED, words, self._outage)
        if trouble is None:
            self.entry.close()

    def revert(self, summary: Summary) -> None:
        """It was cleared and read back, and now it is there again: Active Directory, or a lost save (domain 2.6, 3)."""
        trouble = self.cure.settle() or self.cure.iis.close()
        self.entry.conclude(ServerState.REVERTED, came_back(summary.words), self._outage)
        if trouble is None:
            self.entry.close()

    def leave(self, left: Remains) -> None:
        """The change was right and something else is wrong: putting it back would mend nothing (agent/remains)."""
        trouble = self.cure.settle() or self.cure.iis.close()
        self.tools.run.owe_look(self.entry.server, self.tools.now() + self.tools.second_look)
        command = f"easfix rollback {self.tools.run.id} --limit {self.entry.server}"
        why = f"SSL was not the only cause, so the change is left as it is: {command} puts it back"
        rest = (trouble.message, trouble.next_step) if trouble else ()
        self.entry.conclude(ServerState.FAILED, sentences(left.words, why, *rest), self._outage)
        if trouble is None:
            self.entry.close()

    def fail(self, trouble: Trouble) -> None:
        """Something went wrong: put back what was changed, or say why not."""
        said = sentences(trouble.message, trouble.next_step)
        if trouble.is_unsure and not (trouble.is_overwritten and self.tools.puts_back):
            self.doubt(said)
        elif not self.entry.is_owing:
            self.entry.conclude(ServerState.FAILED, sentences(said, self._untouched), self._outage)
            self.entry.close()
        elif self.tools.puts_back:
            self.put_back(replace(trouble, message=said, next_step=""))
        else:
            if self.cure.settle() is None:
                self.cure.iis.close()
            command = f"easfix rollback {self.tools.run.id} --limit {self.entry.server}"
            hint = f"it is left as it is: {command} puts it back"
            self.entry.conclude(ServerState.FAILED, sentences(said, hint), self._outage)
            self.entry.close_if_settled()

    def doubt(self, *said: str) -> None:
        """Something was written, and it is not known how the server stands; a look goes on from there."""
        self.entry.conclude(ServerState.UNKNOWN, sentences(*said, self.entry.resume_hint), self._outage)

    def put_back(self, cause: Trouble, why: str = "") -> None:
        """Put back what the run changed on the server; `why` goes on record with each write."""
        self.entry.tell("server.rolling_back")
        rollback = Rollback(self.actor, self.tools.scripts, why)
        trouble = rollback.put_back(self.entry.record.steps, self.entry.originals)
        left = self.cure.settle()
        if trouble:
            self._not_put_back(cause, replace(trouble, is_unsure=trouble.is_unsure or bool(left and left.is_unsure)))
            return
        if left is None and not cause.is_lasting:
            left = self.cure.iis.start_again()
        if left and left.is_unsure:
            self._not_put_back(cause, replace(left, message=f"{AS_BEFORE}, but {left.message}"))
            return
        is_lasting = cause.is_lasting or bool(left)
        left = self.cure.iis.close() or left
        if rollback.came_back:
            self._came_back_meanwhile(cause, left, rollback.came_back)
            return
        self._was_put_back(cause, left, rollback.unsaved, is_lasting=is_lasting)

    def _not_put_back(self, cause: Trouble, trouble: Trouble) -> None:
        state = ServerState.UNKNOWN if trouble.is_unsure else ServerState.FAILED
        said = sentences(cause.message, cause.next_step, trouble.message, trouble.next_step, self.entry.resume_hint)
        self.entry.conclude(state, said, self._outage)

    def _came_back_meanwhile(self, cause: Trouble, left: Trouble | None, keys: list[str]) -> None:
        """Somebody else wrote what was to be put back, Active Directory most likely: there is nothing left to owe."""
        rest = (left.message, left.next_step) if left else ()
        self.tools.journal.drop_looks(self.entry.server)
        said = sentences(came_back("; ".join(keys)), f"what led here: {cause.message}", cause.next_step, *rest)
        self.entry.conclude(ServerState.REVERTED, said, self._outage)
        self.entry.close_if_settled()

    def _was_put_back(self, cause: Trouble, left: Trouble | None, unsaved: list[str], *, is_lasting: bool) -> None:
        rest = (left.message, left.next_step) if left else ()
        lost = (f"but they are not saved: {'; '.join(unsaved)}",) if unsaved else ()
        state = ServerState.FAILED if unsaved or is_lasting else ServerState.ROLLED_BACK
        self.tools.journal.drop_looks(self.entry.server)  # nothing is left that could come back
        self.entry.conclude(state, sentences(cause.message, cause.next_step, AS_BEFORE, *rest, *lost), self._outage)
        self.entry.close_if_settled()

    def stop(self, by: str) -> None:
        """Nothing further is begun; `by` says who wants it so."""
        if self.entry.is_owing:
            self.doubt(f"{by} between steps")
            return
        self.entry.conclude(ServerState.SKIPPED, f"{by} before anything was changed")
        self.entry.close_if_settled()


def break_off(entry: Entry, error: ServerError) -> None:
    """A question that could not be put; what was written before stays owed."""
    if entry.record.steps:
        entry.conclude(ServerState.UNKNOWN, sentences(error.message, error.next_step, entry.resume_hint))
        return
    entry.conclude(state_of(error), words_of(error))
    entry.close()


def be_fenced(entry: Entry, error: Fenced) -> None:
    """This process was silent for too long: what it has begun is for whoever looks next, perhaps itself."""
    if entry.record.steps:
        entry.conclude(ServerState.UNKNOWN, sentences(error.message, entry.resume_hint))
        return
    entry.conclude(ServerState.SKIPPED, f"{NOT_BEGUN}: {error.message}")
    entry.close()
