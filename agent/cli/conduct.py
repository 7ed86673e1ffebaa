"""Owns what binds a run: its waves, its threshold, its window; said before it begins, and refused in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.campaign import Orders
    from agent.cli.session import Session
    from agent.model import Plan, RunRecord, ServerPlan
    from agent.waves import Wave


@dataclass(frozen=True, slots=True)
class Permit:
    """What a run is bound by, and what the operator says to it."""

    orders: Orders
    reason: str = ""
    change: str = ""
    approved_by: str = ""


def orders(
    session: Session,
    names: Sequence[str],
    failing: int = 0,
    outside_window: str = "",
    proxies: Sequence[str] = (),
) -> Orders:
    """From the configuration, for the servers that are to be changed; `failing` others count as failed already.

    The `proxies` on which IIS is restarted come last.

    A percentage is one of these servers together: those that are right already cannot fail.
    """
    from agent.calendar import windows_of
    from agent.campaign import Orders
    from agent.estimate import estimate
    from agent.waves import Threshold, last, waves

    section = session.config.run
    first = waves(names, section.canary, section.first_wave, section.growth, section.concurrency)
    return Orders(
        (*first, *last(proxies, first)),
        Threshold.of(section.max_failures, len(names) + failing),
        windows_of(session.config),
        estimate(session.config, _measured(session)),
        section.concurrency,
        outside_window,
    )


def of_plan(session: Session, plan: Plan, also: Sequence[str] = (), outside_window: str = "") -> Orders:
    """For a plan: the servers with steps, and those which a run before owes something."""
    owed = {name.casefold() for name in also}
    names = [each.server for each in plan.servers if _is_to_be_changed(each) or each.server.casefold() in owed]
    failing = sum(each.state.is_failure for each in plan.servers if each.server not in names)
    return orders(session, names, failing, outside_window, [each.server for each in plan.servers if each.leads_to])


def _is_to_be_changed(plan: ServerPlan) -> bool:
    """Something is done to it, and not for the sake of other servers."""
    return bool(plan.steps) and not plan.leads_to


def of_record(
    session: Session, record: RunRecord, plans: Mapping[str, ServerPlan], names: Sequence[str], outside_window: str = ""
) -> tuple[Orders, list[str]]:
    """For going on with a run: the servers that it did not come to, and those that have failed in it so far.

    As many may fail again, and canaries that were proved need not go first again.
    """
    from dataclasses import replace

    from agent.model import ServerState
    from agent.waves import last, waves

    section = session.config.run
    failed = [each.name for each in record.servers if each.state and each.state.is_failure]
    proved = sum(each.state is ServerState.CHANGED for each in record.servers)
    closed = {each.name for each in record.servers if each.is_closed}
    led = {each.server for each in plans.values() if each.leads_to}
    coming = [name for name in names if name in closed and name not in led]
    first = waves(coming, max(0, section.canary - proved), section.first_wave, section.growth, section.concurrency)
    again = (*first, *last([name for name in names if name in led], first))
    whole = orders(session, [each.server for each in plans.values() if _is_to_be_changed(each)], 0, outside_window)
    return replace(whole, waves=again, threshold=whole.threshold.beyond(len(failed))), failed


def _measured(session: Session) -> tuple[float, ...]:
    """How long servers took so far; nothing where there is no record of this easfix."""
    from agent.errors import NoJournal, OldJournal

    try:
        return session.record.measured()
    except (NoJournal, OldJournal):
        return ()


def refuse(session: Session, found: Orders) -> None:
    """WindowClosed where no server could be begun and finished now; Stopped while the stop file stands."""
    from agent.cli.session import now
    from agent.errors import Stopped, WindowClosed

    if words := session.kill_switch.of_file():
        raise Stopped(f"{words}: while it is there nothing is changed", next_step="Remove it when changes may be made.")
    if why := found.too_late(now()):
        raise WindowClosed(
            why.partition(": ")[2],
            next_step="Wait for the window. In an emergency: --outside-window REASON, which goes on record.",
        )


def lines(session: Session, found: Orders, failing: int = 0) -> list[str]:
    """For a person, before anything begins: the order, what stops the run, and how long there is time."""
    return list(_lines(session, found, failing))


def _lines(session: Session, found: Orders, failing: int) -> Iterator[str]:
    from agent.cli.session import now
    from agent.estimate import fits

    if not found.waves:
        return
    standing = found.windows.at(now())
    counted = f"; {failing} of them {'has' if failing == 1 else 'have'} failed already" if failing else ""
    if session.playbook.altered:
        yield f"scripts: {session.playbook.altered}"
    yield f"order: {order(found.waves)}"
    yield f"the run {found.threshold.words}{counted}{_canary(found.waves)}"
    if found.outside_window:
        yield f"outside any window: {found.outside_window}"
    elif found.windows.is_bound:
        yield f"window: {standing.words}"
        if standing.is_open:
            yield fits(found.waves, found.concurrency, found.estimate, standing.left(now())).words
    if session.config.approval.require_approval:
        yield "approval: a plan is applied once somebody has approved it (approval.require_approval)"


def order(waves: Sequence[Wave]) -> str:
    """Who goes first and how many follow at a time: "EX01 alone (canary), then 1, 2, 4 servers at a time"."""
    alone = [name for wave in waves if wave.is_canary for name in wave.servers]
    sizes = [str(len(wave.servers)) for wave in waves if not (wave.is_canary or wave.is_proxy)]
    proxies = [name for wave in waves if wave.is_proxy for name in wave.servers]
    first = f"{', then '.join(alone)} alone ({'canary' if len(alone) == 1 else 'canaries'})" if alone else ""
    then = f"{', '.join(sizes)} {'server' if sizes == ['1'] else 'servers'} at a time" if sizes else ""
    last = f"{', '.join(proxies)} last (IIS restarted, if all went well{', one at a time' * (len(proxies) > 1)})"
    return ", then ".join(part for part in (first, then, last if proxies else "") if part)


def _canary(waves: Sequence[Wave]) -> str:
    return ", and when a canary fails" if any(wave.is_canary for wave in waves) else ""


def document(found: Orders) -> dict[str, object]:
    """The same as plain values, for JSON."""
    from agent.cli.session import now
    from agent.estimate import fits

    standing = found.windows.at(now())
    left = None if found.outside_window else standing.left(now())
    forecast = fits(found.waves, found.concurrency, found.estimate, left)
    return {
        "waves": [
            {"number": wave.number, "is_canary": wave.is_canary, "servers": list(wave.servers)} for wave in found.waves
        ],
        "threshold": {"count": found.threshold.count, "words": found.threshold.words},
        "window": {
            "is_open": standing.is_open,
            "closes_at": standing.closes_at.isoformat() if standing.closes_at else None,
            "next_opens_at": standing.next_opens_at.isoformat() if standing.next_opens_at else None,
            "words": standing.words,
            "outside": found.outside_window,
        },
        "estimate": {"seconds": found.estimate.seconds, "words": found.estimate.words},
        "not_reached": list(forecast.not_reached),
    }
