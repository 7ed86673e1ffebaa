"""Owns the course of one server through a run: looked at again, changed, restarted, proved, or put back and said so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.act import Actor
from agent.apply import Cure, Limits, Trouble
from agent.detect import look
from agent.errors import Locked, ServerError
from agent.guards import obstacles
from agent.journal import Journal, OpenRun
from agent.model import (
    Action,
    Finding,
    Prior,
    Proof,
    Script,
    Server,
    ServerPlan,
    ServerRecord,
    ServerState,
    StepState,
    Verdict,
)
from agent.notice import Listen, Notice
from agent.outcome import ASKED, STOPPED, asked, state_of, words_of
from agent.plan import fingerprint
from agent.retry import Questioner
from agent.rollback import Rollback, owed
from agent.transport import Connect, ReadOnly, Transport
from agent.verify import Summary, Verifier, sum_up


@dataclass(frozen=True, slots=True)
class Tools:
    """What every server of a run is worked on with."""

    journal: Journal
    run: OpenRun
    connect: Connect
    scripts: Mapping[str, Script]
    questioner: Questioner  # the patience of ordinary questions
    waiter: Questioner  # the patience for a restart, or a reboot, to end
    verifier: Verifier
    limits: Limits
    puts_back: bool  # on_failure: rollback
    second_look: timedelta
    now: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    listen: Listen


class Course:
    """One server's way through a run; everything that is concluded stands in the journal when a method returns."""

    def __init__(self, tools: Tools, server: Server, plan: ServerPlan) -> None:
        self._tools = tools
        self._server = server
        self._plan = plan

    def go(self) -> None:
        """Carry out the plan, from wherever the journal says it stands. Never raises a `ServerError`."""
        try:
            self._tools.run.admit(self._server.name)
        except Locked as error:
            self._conclude(ServerState.SKIPPED, f"{error.message}; {error.next_step}")
            return
        self._visit(self._carry_out)

    def go_back(self, reason: str) -> None:
        """Put back what this run changed on the server. Never raises a `ServerError`."""
        try:
            self._tools.run.admit(self._server.name)
        except Locked as error:
            self._conclude(ServerState.SKIPPED, f"{error.message}; {error.next_step}")
            return
        self._visit(lambda transport, actor: self._put_back(actor, Trouble(reason), why=f"{ASKED}: {reason}"))

    # --- forward -------------------------------------------------------------------------------------------------

    def _carry_out(self, transport: Transport, actor: Actor) -> None:
        if any(each.step.action is Action.RESTORE for each in self._record().steps):
            reason = asked(self._record())
            cause = Trouble(reason or "the run had begun to put it back")
            self._put_back(actor, cause, why=f"{ASKED}: {reason}" if reason else "")
            return
        tools, cure = self._tools, self._cure(actor)
        if not self._has_begun() and not self._still_fits(ReadOnly(transport, self._server.name)):
            if not self._is_settled():
                cure.back_up()  # a run before broke off in it; it changes no setting, and asking again settles it
            self._close_if_settled()
            return
        doubt: Trouble | None = None
        for stage in (cure.back_up, cure.clear, cure.restart):
            if tools.is_stopping():
                self._stop(actor)
                return
            if trouble := stage():
                if stage != cure.restart or not trouble.is_unsure:
                    self._fail(actor, trouble, cure)
                    return
                doubt = trouble
        self._prove(ReadOnly(transport, self._server.name), actor, cure, doubt)

    def _still_fits(self, transport: ReadOnly) -> bool:
        """The server is as it was planned from; otherwise it is refused, and nothing was changed."""
        finding = self._look(transport)
        self._tools.run.found(self._server.name, finding)
        standing = [found for found in obstacles(self._server, finding) if not found.is_overridden]
        if fingerprint(finding) != self._plan.fingerprint:
            reason = "refused: the server has changed since the plan was made; plan again"
        elif standing:  # overridden when the plan was made, and no longer
            reason = f"refused: {standing[0].reason}. {standing[0].instead}"
        else:
            return True
        self._conclude(ServerState.SKIPPED, reason)
        return False

    def _look(self, transport: ReadOnly) -> Finding:
        tools = self._tools
        script = tools.scripts["detect"]
        return tools.questioner.ask(lambda: look(self._server, transport, script, tools.now()))

    def _prove(self, transport: ReadOnly, actor: Actor, cure: Cure, doubt: Trouble | None) -> None:
        self._tell("server.proving")
        proofs = self._proofs(transport)
        summary = sum_up(proofs)
        outage = cure.restarted.seconds if cure.restarted else None
        if summary.verdict is Verdict.GOOD and doubt:
            self._settle_restart(actor)
        match summary.verdict:
            case Verdict.GOOD:
                self._finish(cure, summary, outage)
            case Verdict.BAD if summary.is_reverted and not doubt:
                self._revert(cure, summary, outage)
            case _ if doubt or summary.verdict is Verdict.UNKNOWN:
                said = f"{doubt.message}; {summary.words}" if doubt else summary.words
                self._conclude(ServerState.UNKNOWN, f"changed, but {said}. {self._resume_hint()}", outage)
            case _:
                self._fail(actor, Trouble(f"the change did not mend the proxy path: {summary.words}"), cure)

    def _proofs(self, transport: ReadOnly) -> list[Proof]:
        verifier = self._tools.verifier
        proofs = verifier.flags(self._server, transport, [each for each in self._plan.changes if each.is_needed])
        if sum_up(proofs).verdict is not Verdict.BAD:
            proofs += verifier.hops(self._server)
        self._tools.run.proved(self._server.name, proofs)
        return proofs

    def _settle_restart(self, actor: Actor) -> None:
        for each in self._record().steps:
            if each.step.action is Action.RESTART and each.state is StepState.UNKNOWN:
                actor.settle(each.step, "its end was not recorded; the services run and the path is proved")

    # --- endings -------------------------------------------------------------------------------------------------

    def _finish(self, cure: Cure, summary: Summary, outage: float | None) -> None:
        due = self._tools.now() + self._tools.second_look
        trouble = cure.settle() or cure.close()
        left = f"; {trouble.message}" if trouble else ""
        words = f"{summary.words}; second look due at {due:%Y-%m-%d %H:%M} UTC{left}"
        self._tools.run.owe_look(self._server.name, due)
        self._conclude(ServerState.CHANGED, words, outage)
        if trouble is None:
            self._tools.run.close(self._server.name)

    def _revert(self, cure: Cure, summary: Summary, outage: float | None) -> None:
        """It was cleared and read back, and now it is there again: Active Directory, or a lost save (domain 2.6, 3)."""
        trouble = cure.settle() or cure.close()
        hint = "Clear the same bits in msExchAccessSSLFlags of the directory's object in Active Directory."
        self._conclude(ServerState.REVERTED, f"the flag came back: {summary.words}. {hint}", outage)
        if trouble is None:
            self._tools.run.close(self._server.name)

    def _fail(self, actor: Actor, trouble: Trouble, cure: Cure) -> None:
        outage = cure.restarted.seconds if cure.restarted else None
        said = f"{trouble.message}. {trouble.next_step}".rstrip(". ") + "."
        if trouble.is_unsure:
            self._conclude(ServerState.UNKNOWN, f"{said} {self._resume_hint()}", outage)
        elif not owed(self._record().steps, self._originals()):
            self._conclude(ServerState.FAILED, f"{said} Nothing was changed.", outage)
            self._tools.run.close(self._server.name)
        elif self._tools.puts_back:
            self._put_back(actor, replace(trouble, message=said), cure)
        else:
            cure.close()
            hint = (
                f"It is left as it is: easfix rollback {self._tools.run.id} --limit {self._server.name} puts it back."
            )
            self._conclude(ServerState.FAILED, f"{said} {hint}", outage)
            self._close_if_settled()

    def _put_back(self, actor: Actor, cause: Trouble, cure: Cure | None = None, why: str = "") -> None:
        self._tell("server.rolling_back")
        record = self._record()
        outage = cure.restarted.seconds if cure and cure.restarted else None
        rollback = Rollback(actor, self._tools.scripts, why)
        cleaner = cure or self._cure(actor)
        trouble = rollback.put_back(record.steps, self._originals())
        left = None if trouble else cleaner.settle()
        if left and left.is_unsure:
            trouble = replace(left, message=f"The flags are as they were before the run, but {left.message}")
        if trouble:
            state = ServerState.UNKNOWN if trouble.is_unsure else ServerState.FAILED
            said = f"{cause.message.rstrip('.')}. {trouble.message.rstrip('.')}."
            self._conclude(state, f"{said} {self._resume_hint()}", outage)
            return
        is_lasting = cause.is_lasting or bool(left)
        left = cleaner.close() or left
        note = f" {left.message}." if left else ""
        if rollback.unsaved:
            note += f" But they are not saved: {'; '.join(rollback.unsaved)}."
        is_whole = not rollback.unsaved and not is_lasting
        state = ServerState.ROLLED_BACK if is_whole else ServerState.FAILED
        self._tools.journal.drop_looks(self._server.name)  # nothing is left that could come back
        self._conclude(state, f"{cause.message.rstrip('.')}. The flags are as they were before the run.{note}", outage)
        self._close_if_settled()

    def _stop(self, actor: Actor) -> None:
        if owed(self._record().steps, self._originals()):
            self._conclude(ServerState.UNKNOWN, f"stopped by the operator between steps. {self._resume_hint()}")
            return
        self._conclude(ServerState.SKIPPED, f"{STOPPED} anything was changed")
        self._close_if_settled()

    # --- small things --------------------------------------------------------------------------------------------

    def _visit(self, work: Callable[[Transport, Actor], None]) -> None:
        tools = self._tools
        self._tell("server.started")
        try:
            transport = tools.connect(self._server)
            try:
                steps = self._record().steps
                actor = Actor(self._server.name, tools.run, transport, tools.waiter, steps, tools.listen)
                work(transport, actor)
            finally:
                transport.close()
        except ServerError as error:
            self._break_off(error)

    def _break_off(self, error: ServerError) -> None:
        """A question that could not be put; what was written before stays owed."""
        if self._record().steps:
            self._conclude(ServerState.UNKNOWN, f"{words_of(error)}. {self._resume_hint()}")
            return
        self._conclude(state_of(error), words_of(error))
        self._tools.run.close(self._server.name)

    def _close_if_settled(self) -> None:
        if self._is_settled():
            self._tools.run.close(self._server.name)

    def _is_settled(self) -> bool:
        return all(each.state.is_settled for each in self._record().steps)

    def _cure(self, actor: Actor) -> Cure:
        tools = self._tools
        return Cure(tools.run.id, self._plan, actor, tools.scripts, tools.limits, tools.waiter)

    def _has_begun(self) -> bool:
        return any(each.step.action is not Action.BACK_UP for each in self._record().steps)

    def _record(self) -> ServerRecord:
        return self._tools.journal.server(self._tools.run.id, self._server.name)

    def _originals(self) -> Sequence[Prior]:
        return self._tools.journal.originals(self._tools.run.id, self._server.name)

    def _conclude(self, state: ServerState, reason: str, outage: float | None = None) -> None:
        self._tools.run.conclude(self._server.name, state, reason, outage_seconds=outage)
        self._tell("server.concluded", f"{state}: {reason}")

    def _tell(self, event: str, message: str = "") -> None:
        self._tools.listen(Notice(self._server.name, event, message=message))

    def _resume_hint(self) -> str:
        return f"easfix resume {self._tools.run.id} looks again and goes on from there."
