"""Owns the order of the work on one proxy: IIS restarted once, its services back, the servers behind it proved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from agent.act import Trouble
from agent.course.course import Course
from agent.course.endings import Endings
from agent.course.tools import Tools
from agent.model import Action, Probe, Proof, Server, ServerPlan, ServerState, StepState, Verdict
from agent.outcome import sentences
from agent.proxypool import AT_ONCE
from agent.transport import Transport
from agent.verify import sum_up

GONE = "the configuration does not name it any more"


class ProxyCourse(Course):
    """A proxy's way through a run. Nothing of it can be put back, so it ends as it stands, and says so."""

    def _carry_out(self, transport: Transport, endings: Endings) -> None:
        by = self._tools.stopping()
        if by and not self._entry.record.steps:
            endings.stop(by)
            return
        trouble = endings.cure.iis.restart()
        if trouble is not None and not trouble.is_unsure:
            self._fail(endings, trouble)
            return
        self._prove_behind(endings, trouble)

    def _prove_behind(self, endings: Endings, doubt: Trouble | None) -> None:
        """By way of this proxy alone: the servers behind it that the run has changed."""
        self._entry.tell("server.proving")
        asked = self._proofs_behind()
        self._tools.run.proved(self._server.name, [proof for proofs in asked.values() for proof in proofs])
        found = {name: sum_up(proofs) for name, proofs in asked.items()}
        not_good = [f"{name}: {each.words}" for name, each in found.items() if each.verdict is not Verdict.GOOD]
        if not not_good:
            self._finish(endings, list(found))
        elif doubt is not None:
            endings.doubt(doubt.message, doubt.next_step, *not_good)
        elif by := self._tools.stopping():  # the patience was cut short: a bad answer is not the last word
            endings.doubt(f"{_said(endings)}, and {by} before it was proved: {'; '.join(not_good)}")
        elif any(each.verdict is Verdict.BAD for each in found.values()):
            words = f"{_said(endings)}, and the path through it is not well: {'; '.join(not_good)}"
            self._fail(endings, Trouble(words))
        else:
            endings.doubt(f"{_said(endings)}, and the path through it was not proved: {'; '.join(not_good)}")

    def _proofs_behind(self) -> dict[str, list[Proof]]:
        servers = self._tools.journal.run(self._tools.run.id).servers
        changed = {each.name for each in servers if each.state is ServerState.CHANGED}
        names = [name for name in self._plan.leads_to if name in changed]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="behind") as pool:
            return dict(zip(names, pool.map(self._asked, names), strict=True))

    def _asked(self, name: str) -> list[Proof]:
        server = self._tools.servers.get(name.casefold())
        if server is None:  # the configuration does not name it any more
            return [Proof(self._server.name, name, Probe.HOP, Verdict.UNKNOWN, self._tools.now(), evidence=GONE)]
        return self._tools.verifier.through(self._server).hops(server)

    def _finish(self, endings: Endings, names: list[str]) -> None:
        for each in self._entry.record.steps:
            if each.step.action is Action.RESTART and each.state is StepState.UNKNOWN:
                endings.actor.settle(each.step, "its end was not recorded; the services run and the path is proved")
        proved = f"proved to {', '.join(names)}" if names else "no server behind it was changed"
        self._end(endings, ServerState.CHANGED, f"{_said(endings)}; {proved}")

    def _fail(self, endings: Endings, trouble: Trouble) -> None:
        self._end(endings, ServerState.FAILED, sentences(trouble.message, trouble.next_step))

    def _end(self, endings: Endings, state: ServerState, words: str) -> None:
        """Settle what a process before left in doubt, remove the marker, and let go of the proxy."""
        left = endings.cure.settle() or endings.cure.iis.close()
        said = sentences(words, left.message, left.next_step) if left else words
        outage = endings.cure.iis.ended.seconds if endings.cure.iis.ended else None
        self._entry.conclude(state, said, outage)
        if left is None:
            self._entry.close()


def _said(endings: Endings) -> str:
    restarted = endings.cure.iis.ended
    took = f" in {restarted.seconds:.0f} s" if restarted and restarted.seconds is not None else ""
    return f"IIS restarted{took}"


def course(tools: Tools, server: Server, plan: ServerPlan) -> Course:
    """The way of a proxy, or of any other server."""
    return ProxyCourse(tools, server, plan) if plan.leads_to else Course(tools, server, plan)
