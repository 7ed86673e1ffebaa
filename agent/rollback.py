"""Owns the way back: what the journal says was there before is put back, per property, and read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from agent.act import Actor, Deed, Look, Seen, Trouble
from agent.answers import Answer, each, number, only, overwritten
from agent.errors import BadAnswer, ServerError
from agent.model import (
    SSL_FLAGS,
    Action,
    Change,
    Prior,
    Probe,
    Proof,
    Script,
    SslFlags,
    Step,
    StepRecord,
    StepState,
    Verdict,
)
from agent.transport import Arguments

LOOKED = "looked: "
WRITTEN = (StepState.DONE, StepState.UNKNOWN, StepState.INTENDED)
"""States of a write that may have left something to put back."""


def owed(steps: Sequence[StepRecord], originals: Sequence[Prior]) -> list[tuple[Step, Prior]]:
    """The writes to take back, the last one first, each with what was there before it."""
    by_path = {prior.path: prior for prior in originals if prior.name == SSL_FLAGS}
    clears = [found.step for found in steps if found.step.action is Action.CLEAR and found.state in WRITTEN]
    return [(step, by_path[step.path]) for step in reversed(clears) if step.path in by_path]


def preview(steps: Sequence[StepRecord], originals: Sequence[Prior]) -> tuple[Change, ...]:
    """What a rollback would write, for showing it without doing it: the value that stands there now is our own."""
    return tuple(
        Change(step.path, SslFlags(step.after or 0), SslFlags.of(_word(prior)), is_explicit=True)
        for step, prior in owed(steps, originals)
    )


def deletions(steps: Sequence[StepRecord], originals: Sequence[Prior]) -> str:
    """Which of our values a rollback would delete, and what is inherited then; empty where it deletes none."""
    found = [(step.path, prior.inherited_from) for step, prior in owed(steps, originals) if not prior.is_explicit]
    return "; ".join(
        f"our own value on {path} is deleted, and it inherits from {origin or 'the default'} again"
        for path, origin in found
    )


class Rollback:
    """Takes back what the steps of one server wrote."""

    def __init__(self, actor: Actor, scripts: Mapping[str, Script], why: str = "") -> None:
        """`why` goes on record with each write that is put back."""
        self._actor = actor
        self._scripts = scripts
        self._why = why
        self.unsaved: list[str] = []
        self.came_back: list[str] = []
        """Keys that somebody else wrote meanwhile, so that SSL is required again: nothing of ours is left there."""

    def put_back(self, steps: Sequence[StepRecord], originals: Sequence[Prior]) -> Trouble | None:
        """Put everything back and read it; the first trouble ends it, and what was not reached stays owed."""
        found = []
        self.came_back = _given_up(steps)
        for step, prior in owed(steps, originals):
            deed = self._restoring(step, prior)
            ended = self._actor.take(deed)
            if ended.state is not StepState.DONE and (said := self._overwritten(step)):
                self.came_back.append(said)
                if ended.state is not StepState.FAILED:
                    self._actor.give_up(deed.step, LOOKED + said)
                self._forget(step, LOOKED + said)
                continue
            if ended.state is not StepState.DONE:
                message = f"{step.path} could not be put back: {ended.message}"
                next_step = ended.error.next_step if ended.error else "Look at the directory in IIS Manager."
                return Trouble(message, is_unsure=ended.state is StepState.UNKNOWN, next_step=next_step)
            self._forget(step, ended.message)
            found.append((step, prior))
        return self._prove([prior for _, prior in reversed(found)]) if found else None

    def _overwritten(self, cleared: Step) -> str:
        try:
            answer = self._read(cleared.path)
        except ServerError:
            return ""
        return overwritten(cleared.path, answer, SslFlags(cleared.after or 0))

    def _prove(self, priors: Sequence[Prior]) -> Trouble | None:
        """Read everything back at the end, for the record: what was proved before the way back proves nothing now."""
        try:
            asked = self._actor.ask(self._scripts["readback"], {"Path": [prior.path for prior in priors]})
            answers = each(self._actor.server, asked, len(priors))
        except ServerError as error:  # each was read after it was written, so this takes nothing back
            why = f"{priors[0].path}: {error.message}"
            self._actor.prove(lambda at: [_proof(self._actor.server, at, Verdict.UNKNOWN, why, "not-read")])
            return None
        pairs = list(zip(priors, answers, strict=True))
        proofs = self._actor.prove(lambda at: [_as_before(self._actor.server, at, *pair) for pair in pairs])
        bad = [proof.evidence for proof in proofs if proof.verdict is Verdict.BAD]
        return Trouble("; ".join(bad), next_step="Look at the directory in IIS Manager.") if bad else None

    def _forget(self, step: Step, message: str) -> None:
        """The write it took back is undone; one that was never known to have happened is looked at first."""
        if self._actor.state(step) is StepState.INTENDED:
            self._actor.doubt(step)
        self._actor.note_undone(step, message)

    def _restoring(self, cleared: Step, prior: Prior) -> Deed:
        script = self._scripts["restore"]
        written, before = SslFlags(cleared.after or 0), SslFlags.of(_word(prior))
        step = Step(
            id=f"{Action.RESTORE} {cleared.path}",
            action=Action.RESTORE,
            script=script.id,
            script_sha256=script.sha256,
            path=cleared.path,
            before=int(written),
            after=int(before),
        )
        arguments: Arguments = {
            "Path": cleared.path,
            "Before": written.signed,
            "After": before.signed,
            "Held": "explicit" if prior.is_explicit else "inherited",
        }

        def send() -> str:
            answer = only(self._actor.server, self._actor.send(script, arguments))
            now = SslFlags.of(number(self._actor.server, answer, "Flags"))
            if answer["Explicit"] is not prior.is_explicit or (prior.is_explicit and now != before):
                raise BadAnswer(self._actor.server, f"{cleared.path} reads {now.meaning} after it was put back")
            if answer["Saved"] is not True and not self._is_saved(prior):
                self.unsaved.append(f"{cleared.path}: {answer['Message']}")
            return f"{written.meaning} -> {now.meaning}" + ("" if prior.is_explicit else ", our own value deleted")

        def look() -> Look:
            answer = self._read(cleared.path)
            if answer["Exists"] is not True:
                return Look(Seen.UNCLEAR, f"{cleared.path} is not there any more")
            now, is_own = SslFlags.of(number(self._actor.server, answer, "Flags")), answer["Explicit"] is True
            if is_own == prior.is_explicit and (now == before or not is_own):
                return Look(Seen.DONE, f"looked: {cleared.path} holds {now.meaning}")
            if now == written and is_own:
                return Look(Seen.NOT_DONE, f"looked: {cleared.path} still holds {now.meaning}")
            return Look(Seen.UNCLEAR, f"{cleared.path} holds {now.meaning}, which is neither the old nor the new value")

        return Deed(step, send, look, why=self._why)

    def _read(self, path: str) -> Answer:
        return only(self._actor.server, self._actor.ask(self._scripts["readback"], {"Path": [path]}))

    def _is_saved(self, prior: Prior) -> bool:
        """The file says what is in memory again; after a failed save it may never have said anything else."""
        answer = self._read(prior.path)
        if not prior.is_explicit:
            return answer["SavedExplicit"] is False
        word = answer["SavedWord"]
        return (
            answer["SavedExplicit"] is True and isinstance(word, int) and SslFlags.of(word) == SslFlags.of(_word(prior))
        )


def _given_up(steps: Sequence[StepRecord]) -> list[str]:
    """What a process before found overwritten: the write is gone, and putting it back had failed."""
    failed = {each.step.path for each in steps if each.step.action is Action.RESTORE and each.state is StepState.FAILED}
    gone = [each for each in steps if each.step.action is Action.CLEAR and each.state is StepState.UNDONE]
    return [each.attempts[-1].message.removeprefix(LOOKED) for each in gone if each.step.path in failed]


def _as_before(server: str, at: datetime, prior: Prior, answer: Answer) -> Proof:
    """What the key reads now, against what it was before the run."""
    value, is_own = answer["Flags"], answer["Explicit"] is True
    if answer["Exists"] is not True or not isinstance(value, int):
        return _proof(server, at, Verdict.BAD, f"{prior.path} is not there any more", "directory-missing")
    now, before = SslFlags.of(value), SslFlags.of(_word(prior))
    said = f"{prior.path} reads {now.meaning} ({_held(is_own, answer['InheritedFrom'])})"
    if is_own == prior.is_explicit and (now == before or not is_own):
        return _proof(server, at, Verdict.GOOD, f"{said}, as before the run")
    was = f"{before.meaning} ({_held(prior.is_explicit, prior.inherited_from)})"
    return _proof(server, at, Verdict.BAD, f"{said}, and before the run it was {was}", "not-as-before")


def _held(is_own: bool, origin: object) -> str:
    return "its own" if is_own else f"inherited from {origin or 'the default'}"


def _proof(server: str, at: datetime, verdict: Verdict, evidence: str, cause: str = "") -> Proof:
    return Proof("agent", server, Probe.METABASE, verdict, at, cause, evidence=evidence)


def _word(prior: Prior) -> int:
    return prior.value if isinstance(prior.value, int) else 0
