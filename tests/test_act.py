"""The life of a step as it is really driven: each error, before and after the deed, against each answer of a look."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_nouns import journal_in
from finding_nouns import EAS, SCRIPTS

from agent import errors
from agent.act import SENDINGS, Actor, Deed, Ended, Look, Seen, is_untouched
from agent.journal import Journal, OpenRun
from agent.model import Action, Holder, Prior, Record, RunRecord, Script, Step, StepRecord, StepState
from agent.notice import Notice
from agent.playbook import REFUSAL
from agent.retry import Policy, Questioner
from agent.transport import Arguments

CLEAR = Step(f"clear {EAS}", Action.CLEAR, "clear", "0" * 64, EAS, before=264, after=0)
PRIOR = Prior(EAS, "AccessSSLFlags", 264)


def every_error() -> list[errors.ServerError]:
    """One of each class of the tree below `ServerError`, and a script that says itself that it refused."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ServerError)]
    plain = [kind("EX01", "it went wrong", "Look.") for kind in kinds]
    return [*plain, errors.ScriptFailed("EX01", f"clear: {REFUSAL}the value has moved")]


UNTOUCHED = [each for each in every_error() if is_untouched(each)]
IN_DOUBT = [each for each in every_error() if not is_untouched(each)]


class Server:
    """A server with one key, reached by hand: each sending does as it is told, and so does each look."""

    def __init__(self, *sendings: Callable[[Server], None], looks: Callable[[Server], Look] | None = None) -> None:
        self.deeds = 0
        self.sent = 0
        self.looked = 0
        self._sendings = list(sendings)
        self._looks = looks or truth

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        """A write does what the next sending says; a question is answered truthfully."""
        if script.id == "clear":
            self.sent += 1
            sending = self._sendings.pop(0) if self._sendings else done
            sending(self)
        return [{"Kind": "answer"}]

    def close(self) -> None: ...

    def look(self) -> Look:
        self.looked += 1
        return self._looks(self)


def done(server: Server) -> None:
    server.deeds += 1


def before(error: errors.ServerError) -> Callable[[Server], None]:
    """It goes wrong on the way there: nothing has happened."""

    def sending(server: Server) -> None:
        raise error

    return sending


def after(error: errors.ServerError) -> Callable[[Server], None]:
    """It goes wrong on the way back: all has happened."""

    def sending(server: Server) -> None:
        server.deeds += 1
        raise error

    return sending


def truth(server: Server) -> Look:
    return Look(Seen.DONE if server.deeds else Seen.NOT_DONE)


def unclear(server: Server) -> Look:
    return Look(Seen.UNCLEAR, "it holds neither")


def blind(server: Server) -> Look:
    raise errors.Unreachable("EX01", "connection refused")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with journal_in(tmp_path) as journal:
        yield journal


@pytest.fixture
def run(journal: Journal) -> OpenRun:
    holder = Holder("r1", "jump01", 100, "LAB\\admin")
    run = journal.begin(RunRecord("r1", "apply", datetime(2026, 5, 6, tzinfo=UTC), holder, "0.1.0"))
    run.admit("EX01")
    return run


class Stage:
    """An actor on a server, with the record of what it did."""

    def __init__(self, journal: Journal, run: OpenRun, server: Server) -> None:
        self.journal = journal
        self.heard: list[Notice] = []
        self.server = server
        questioner = Questioner(Policy(attempts=3), lambda _: None, lambda: 0.0, rng=random.Random(1))
        self.actor = Actor("EX01", run, server, questioner, self.record, self.heard.append)

    @property
    def record(self) -> tuple[StepRecord, ...]:
        return self.journal.server("r1", "EX01").steps

    @property
    def states(self) -> list[str]:
        return [str(each.state) for record in self.record for each in record.attempts]

    def take(self) -> Ended:
        def send() -> str:
            self.actor.send(SCRIPTS["clear"], {})
            return "264 -> 0"

        return self.actor.take(Deed(CLEAR, send, self.server.look, (PRIOR,)))


Play = Callable[..., Stage]


@pytest.fixture
def play(journal: Journal, run: OpenRun) -> Play:
    def play(*sendings: Callable[[Server], None], looks: Callable[[Server], Look] | None = None) -> Stage:
        return Stage(journal, run, Server(*sendings, looks=looks))

    return play


def named(error: object) -> str:
    return type(error).__name__


def test_a_step_that_goes_well_is_written_down_first_and_sent_once(play: Play) -> None:
    stage = play()
    ended = stage.take()

    assert (ended.state, ended.message) == (StepState.DONE, "264 -> 0")
    assert stage.states == ["intended", "done"]
    assert (stage.server.sent, stage.server.looked) == (1, 0)
    assert stage.record[0].priors == (PRIOR,)
    assert [each.event for each in stage.heard] == ["step.intended", "step.done"]


def test_the_intention_is_durable_before_anything_is_sent(play: Play) -> None:
    seen: list[list[str]] = []
    stage = play(lambda _: seen.append(stage.states))
    stage.take()

    assert seen == [["intended"]]


@pytest.mark.parametrize("error", UNTOUCHED, ids=named)
def test_an_error_that_left_the_server_untouched_is_a_failure_without_a_look(
    play: Play, error: errors.ServerError
) -> None:
    stage = play(before(error))
    ended = stage.take()

    assert (ended.state, ended.error) == (StepState.FAILED, error)
    assert stage.states == ["intended", "failed"]
    assert (stage.server.sent, stage.server.looked) == (1, 0)


@pytest.mark.parametrize("error", IN_DOUBT, ids=named)
def test_after_the_deed_a_look_says_done_and_nothing_is_sent_again(play: Play, error: errors.ServerError) -> None:
    stage = play(after(error))
    ended = stage.take()

    assert ended.state is StepState.DONE
    assert stage.states == ["intended", "unknown", "done"]
    assert (stage.server.sent, stage.server.deeds) == (1, 1)


@pytest.mark.parametrize("error", IN_DOUBT, ids=named)
def test_before_the_deed_a_look_says_not_done_and_it_is_sent_once_more(play: Play, error: errors.ServerError) -> None:
    stage = play(before(error))
    ended = stage.take()

    assert ended.state is StepState.DONE
    assert stage.states == ["intended", "unknown", "intended", "done"]
    assert (stage.server.sent, stage.server.deeds) == (2, 1)


@pytest.mark.parametrize("error", IN_DOUBT, ids=named)
def test_a_second_sending_is_the_last(play: Play, error: errors.ServerError) -> None:
    stage = play(*[before(error)] * 5)
    ended = stage.take()

    assert ended.state is StepState.FAILED
    assert "sent twice, and each look found that it had not happened" in ended.message
    assert stage.states == ["intended", "unknown", "intended", "unknown", "intended", "failed"]
    assert stage.server.sent == SENDINGS == 2


@pytest.mark.parametrize("error", IN_DOUBT, ids=named)
def test_the_second_sending_may_be_in_doubt_too_and_is_looked_at(play: Play, error: errors.ServerError) -> None:
    stage = play(before(error), after(error))
    ended = stage.take()

    assert ended.state is StepState.DONE
    assert stage.states == ["intended", "unknown", "intended", "unknown", "done"]
    assert (stage.server.sent, stage.server.looked) == (2, 2)


@pytest.mark.parametrize("untouched", UNTOUCHED, ids=named)
def test_the_second_sending_may_fail_for_certain(play: Play, untouched: errors.ServerError) -> None:
    stage = play(before(errors.TimedOut("EX01", "late")), before(untouched))

    assert stage.take().state is StepState.FAILED
    assert stage.server.sent == 2


@pytest.mark.parametrize("looks", [unclear, blind])
@pytest.mark.parametrize("moment", [before, after])
@pytest.mark.parametrize("error", IN_DOUBT, ids=named)
def test_without_a_clear_look_unknown_stays_unknown_and_nothing_is_sent_again(
    play: Play,
    error: errors.ServerError,
    moment: Callable[[errors.ServerError], Callable[[Server], None]],
    looks: Callable[[Server], Look],
) -> None:
    stage = play(moment(error), looks=looks)
    ended = stage.take()

    assert ended.state is StepState.UNKNOWN
    assert ended.error is not None
    assert stage.states == ["intended", "unknown"]
    assert stage.server.sent == 1


# --- what a run that broke off left ----------------------------------------------------------------------------------


def left(run: OpenRun, *states: StepState) -> None:
    for state in states:
        run.note("EX01", CLEAR, state, originals=[PRIOR] if state is StepState.INTENDED else ())


I, D, F, U, B = StepState.INTENDED, StepState.DONE, StepState.FAILED, StepState.UNKNOWN, StepState.UNDONE  # noqa: E741 - a table of short words


@pytest.mark.parametrize("states", [(I, D), (I, D, B)])
def test_what_is_done_or_undone_is_not_touched_again(play: Play, run: OpenRun, states: tuple[StepState, ...]) -> None:
    left(run, *states)
    stage = play()

    assert stage.take().state is states[-1]
    assert (stage.server.sent, stage.server.looked) == (0, 0)


@pytest.mark.parametrize("states", [(I,), (I, U)])
def test_what_was_only_intended_is_looked_at_before_anything_is_sent(
    play: Play, run: OpenRun, states: tuple[StepState, ...]
) -> None:
    left(run, *states)
    stage = play()
    stage.server.deeds = 1
    ended = stage.take()

    assert ended.state is StepState.DONE
    assert (stage.server.sent, stage.server.looked) == (0, 1)
    assert stage.states == ["intended", "unknown", "done"]


@pytest.mark.parametrize("states", [(I,), (I, U)])
def test_what_a_look_finds_undone_is_sent(play: Play, run: OpenRun, states: tuple[StepState, ...]) -> None:
    left(run, *states)
    stage = play()
    ended = stage.take()

    assert ended.state is StepState.DONE
    assert (stage.server.sent, stage.server.deeds) == (1, 1)
    assert stage.states == ["intended", "unknown", "intended", "done"]


@pytest.mark.parametrize("looks", [unclear, blind])
@pytest.mark.parametrize("states", [(I,), (I, U)])
def test_what_no_look_can_settle_stays_in_doubt_and_is_not_sent(
    play: Play, run: OpenRun, states: tuple[StepState, ...], looks: Callable[[Server], Look]
) -> None:
    left(run, *states)
    stage = play(looks=looks)

    assert stage.take().state is StepState.UNKNOWN
    assert stage.server.sent == 0


def test_what_failed_is_tried_anew(play: Play, run: OpenRun) -> None:
    left(run, I, F)
    stage = play()

    assert stage.take().state is StepState.DONE
    assert stage.states == ["intended", "failed", "intended", "done"]


def test_the_first_original_is_kept_whatever_is_sent_again(play: Play, run: OpenRun) -> None:
    left(run, I, U)
    stage = play()
    stage.take()

    assert stage.journal.originals("r1", "EX01") == (PRIOR,)


# --- taking back and settling ----------------------------------------------------------------------------------------


def test_other_evidence_settles_a_doubt(play: Play, run: OpenRun) -> None:
    left(run, I, U)
    stage = play()
    stage.actor.settle(CLEAR, "the services run")

    assert stage.states[-1] == "done"
    assert stage.actor.state(CLEAR) is StepState.DONE


def test_what_was_only_intended_is_doubted_before_it_is_undone(play: Play, run: OpenRun) -> None:
    left(run, I)
    stage = play()
    stage.actor.doubt(CLEAR)
    stage.actor.note_undone(CLEAR, "put back")

    assert stage.states == ["intended", "unknown", "undone"]


def test_a_question_is_put_again_and_a_write_is_not(play: Play) -> None:
    stage = play()
    asked: list[str] = []

    def flaky(script: Script, arguments: Arguments) -> list[Record]:
        asked.append(script.id)
        if len(asked) < 3:
            raise errors.Unreachable("EX01", "connection refused")
        return [{"Kind": "answer"}]

    stage.server.run = flaky  # type: ignore[method-assign]  # this server is a hand-written fake

    assert stage.actor.ask(SCRIPTS["readback"], {}) == [{"Kind": "answer"}]
    assert asked == ["readback"] * 3


def test_a_defect_while_reading_the_answer_is_looked_into(play: Play) -> None:
    """Something was sent, so it is not known what happened, like after any other error; the run goes on."""

    def defect(server: Server) -> None:
        server.deeds += 1
        raise OverflowError("not one of ours")

    stage = play(defect)
    ended = stage.take()

    assert stage.states == ["intended", "unknown", "done"]
    assert ended.state is StepState.DONE


def test_every_error_of_the_tree_is_played() -> None:
    assert len(UNTOUCHED) >= 6
    assert len(IN_DOUBT) >= 5
