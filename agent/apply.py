"""Owns the writes of the cure on one server: the metabase backup, and the flag word of each key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agent.act import Actor, Deed, Look, Seen, Trouble, trouble_of
from agent.answers import Answer, each, number, only, overwritten
from agent.errors import BadAnswer, ScriptFailed, ServerError
from agent.model import SSL_FLAGS, Action, Change, Prior, Script, ServerPlan, SslFlags, Step
from agent.restart import IisRestart
from agent.retry import never
from agent.transport import Arguments


class Cure:
    """The writes on one server, each of them a step in the journal."""

    def __init__(
        self,
        run: str,
        plan: ServerPlan,
        actor: Actor,
        scripts: Mapping[str, Script],
        iis: IisRestart,
        is_stopping: Callable[[], bool] = never,
    ) -> None:
        self._run = run
        self._plan = plan
        self._actor = actor
        self._scripts = scripts
        self.iis = iis
        self._is_stopping = is_stopping
        self._steps = {step.id: step for step in plan.steps}
        self._unsaved: dict[str, str] = {}

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

        return trouble_of(self._actor.take(Deed(step, send, look)), "the metabase could not be backed up")

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
            if trouble := trouble_of(ended, f"{change.path} could not be changed"):
                return replace(trouble, is_overwritten=trouble.is_unsure and self._is_overwritten(change))
            changes.append(change)
        return self._check_saved(changes)

    def _is_overwritten(self, change: Change) -> bool:
        try:
            (answer,) = self._read([change.path])
        except ServerError:
            return False
        return bool(overwritten(change.path, answer, change.after))

    def settle(self) -> Trouble | None:
        """Find out by looking what became of every write that a run before left in doubt; nothing else is begun.

        For a server that is finished with. The flags themselves are not looked at here: the way back does that.
        """
        if any(step.action is Action.BACK_UP for step in self._actor.in_doubt):
            self.back_up()  # it is made once, and changes no setting: asking again settles it
        return self.iis.settle()

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

        prior = Prior(change.path, SSL_FLAGS, int(change.before), change.is_explicit, change.inherited_from)
        return Deed(step, send, look, (prior,))

    def _read(self, paths: Sequence[str]) -> list[Answer]:
        found = self._actor.ask(self._scripts["readback"], {"Path": list(paths)})
        return each(self._actor.server, found, len(paths))

    def _all(self, action: Action) -> list[Step]:
        return [step for step in self._steps.values() if step.action is action]

    def _only(self, action: Action) -> Step:
        (step,) = self._all(action)
        return step


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
