"""Owns the order of the work on one server, and where each turn of events leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.act import Actor, Trouble
from agent.apply import Cure
from agent.course.endings import Endings, be_fenced, break_off
from agent.course.entry import Entry
from agent.course.fence import Fence
from agent.course.tools import Tools
from agent.detect import look
from agent.errors import Fenced, Locked, ServerError, Stopped, ThresholdReached, WindowClosed, told_by
from agent.journal import Terms
from agent.model import Action, Finding, Proof, Server, ServerPlan, ServerState, StepState, Verdict
from agent.outcome import ASKED, asked, proofs_before, sentences
from agent.plan import Restart, decide, is_done, moved
from agent.remains import Remains, remains
from agent.restart import IisRestart
from agent.transport import ReadOnly, Transport
from agent.verify import sum_up

NO_TERMS = Terms()


class Course:
    """One server's way through a run; everything that is concluded stands in the journal when a method returns."""

    def __init__(self, tools: Tools, server: Server, plan: ServerPlan) -> None:
        self._tools = tools
        self._server = server
        self._plan = plan
        self._entry = Entry(tools, server.name)

    def go(self, terms: Terms = NO_TERMS) -> None:
        """Carry out the plan, from wherever the journal says it stands. Never raises a `ServerError`.

        `terms` bind only a server that the run does not hold yet: one that was begun with is finished, or put back.
        """
        if self._is_admitted(terms):
            self._visit(self._carry_out)

    def go_back(self, reason: str) -> None:
        """Put back what this run changed on the server. Never raises a `ServerError`."""
        why = f"{ASKED}: {reason}"
        if self._is_admitted(NO_TERMS):
            self._visit(lambda transport, endings: endings.put_back(Trouble(reason), why))

    def _is_admitted(self, terms: Terms) -> bool:
        try:
            self._tools.run.admit(self._server.name, terms)
        except Locked as error:
            self._entry.conclude(ServerState.SKIPPED, f"{error.message}; {error.next_step}")
            return False
        except (Stopped, ThresholdReached, WindowClosed) as error:
            self._entry.conclude(ServerState.SKIPPED, error.message)
            return False
        return True

    # --- forward -------------------------------------------------------------------------------------------------

    def _carry_out(self, transport: Transport, endings: Endings) -> None:
        entry, cure = self._entry, endings.cure
        record = entry.record
        if any(each.step.action is Action.RESTORE for each in record.steps):
            self._go_on_back(endings)
            return
        if not record.has_begun and not self._still_fits(ReadOnly(transport, self._server.name)):
            if not record.is_settled:
                cure.back_up()  # a run before broke off in it; it changes no setting, and asking again settles it
            entry.close_if_settled()
            return
        if not record.steps:
            self._tools.run.proved(self._server.name, self._tools.verifier.before(self._server))
        doubt: Trouble | None = None
        for stage in (cure.back_up, cure.clear, cure.iis.restart):
            if by := self._tools.stopping():
                endings.stop(by)
                return
            if trouble := stage():
                if stage != cure.iis.restart or not trouble.is_unsure:
                    endings.fail(trouble)
                    return
                doubt = trouble
        self._prove(ReadOnly(transport, self._server.name), endings, doubt)

    def _go_on_back(self, endings: Endings) -> None:
        reason = asked(self._entry.record)
        cause = Trouble(reason or "the run had begun to put it back")
        endings.put_back(cause, f"{ASKED}: {reason}" if reason else "")

    def _still_fits(self, transport: ReadOnly) -> bool:
        """The server is as it was planned from; otherwise it is refused, and nothing was changed."""
        finding = self._look(transport)
        self._tools.run.found(self._server.name, finding)
        now = decide(self._server, finding, self._tools.scripts, Restart())
        if is_done(self._plan, now):
            self._entry.conclude(now.state, sentences("nothing to do any more", now.reason))
            return False
        if why := moved(self._plan, now):
            reason = why
        elif now.standing:  # overridden when the plan was made, and no longer
            reason = sentences(f"refused: {now.standing[0].reason}", now.standing[0].instead)
        else:
            return True
        self._entry.conclude(ServerState.SKIPPED, reason)
        return False

    def _look(self, transport: ReadOnly) -> Finding:
        tools = self._tools
        script = tools.scripts["detect"]
        return tools.questioner.ask(lambda: look(self._server, transport, script, tools.now()))

    def _prove(self, transport: ReadOnly, endings: Endings, doubt: Trouble | None) -> None:
        self._entry.tell("server.proving")
        proofs = self._proofs(transport)
        summary = sum_up(proofs)
        if summary.verdict is Verdict.GOOD and doubt:
            self._settle_restart(endings.actor)
        match summary.verdict:
            case Verdict.GOOD if doubt and (down := endings.cure.iis.look_again()):
                endings.fail(replace(down, message=f"changed and proved, but {down.message}"))
            case Verdict.GOOD:
                endings.finish(summary)
            case Verdict.BAD if summary.is_reverted and not doubt:
                endings.revert(summary)
            case _ if by := self._tools.stopping():  # the patience was cut short: a bad answer is not the last word
                endings.doubt(f"changed, and {by} before it was proved: {summary.words}")
            case _ if doubt or summary.verdict is Verdict.UNKNOWN:
                said = (doubt.message, doubt.next_step) if doubt else ()
                endings.doubt(*_changed_but(*said, summary.words))
            case _ if left := self._remains(proofs):
                endings.leave(left)
            case _:
                endings.fail(Trouble(f"the change did not mend the proxy path: {summary.words}"))

    def _proofs(self, transport: ReadOnly) -> list[Proof]:
        verifier = self._tools.verifier
        proofs = verifier.flags(self._server, transport, [each for each in self._plan.changes if each.is_needed])
        if sum_up(proofs).verdict is not Verdict.BAD:
            proofs += verifier.hops(self._server)
        self._tools.run.proved(self._server.name, proofs)
        return proofs

    def _remains(self, proofs: Sequence[Proof]) -> Remains | None:
        """What keeps phones out although the change was right, as far as the record from before it tells."""
        finding = self._entry.finding
        return remains(self._server, finding, proofs_before(self._entry.record), proofs) if finding else None

    def _settle_restart(self, actor: Actor) -> None:
        for each in self._entry.record.steps:
            if each.step.action is Action.RESTART and each.state is StepState.UNKNOWN:
                actor.settle(each.step, "its end was not recorded; the services run and the path is proved")

    # --- small things --------------------------------------------------------------------------------------------

    def _visit(self, work: Callable[[Transport, Endings], None]) -> None:
        tools = self._tools
        self._entry.tell("server.started")
        try:
            transport = Fence(tools.connect(self._server), tools.fence)
            try:
                with told_by(self._server.name):
                    work(transport, self._endings(transport))
            finally:
                transport.close()
        except ServerError as error:
            break_off(self._entry, error)
        except Fenced as error:
            be_fenced(self._entry, error)

    def _endings(self, transport: Transport) -> Endings:
        tools, steps = self._tools, self._entry.record.steps
        actor = Actor(self._server.name, tools.run, transport, tools.waiter, steps, tools.listen)
        is_stopping = lambda: bool(tools.stopping())  # noqa: E731 - one use
        iis = IisRestart(tools.run.id, self._plan, actor, tools.scripts, tools.limits, tools.waiter)
        cure = Cure(tools.run.id, self._plan, actor, tools.scripts, iis, is_stopping)
        return Endings(tools, self._entry, actor, cure)


def _changed_but(first: str, *rest: str) -> tuple[str, ...]:
    return (f"changed, but {first}", *rest)
