"""Owns taking a run over: whether the process that it belongs to is still at work, and who may go on with it."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.errors import Locked, NoJournal, UnknownName

if TYPE_CHECKING:
    from agent.cli.session import Session
    from agent.journal import Journal, OpenRun
    from agent.model import RunRecord


def named(session: Session, text: str) -> str:
    """The whole name of the run that is meant; `UnknownName`, also where nothing was ever run: no journal is made."""
    try:
        return session.record.find(text)
    except NoJournal as error:
        hint = f"{session.options.line('apply')} makes the first one"
        raise UnknownName("no run is on record yet", where=error.where, next_step=hint) from error


def take_over(
    session: Session, run: str, command: str, *, reason: str = "", forced: bool = False, outside_window: str = ""
) -> OpenRun:
    """Go on with a run; refused while the process that it belongs to may still be at work.

    Not refused where that process is silent for too long, on whatever machine it was: by then it is fenced, and sends
    nothing. `forced` is the operator's word that it no longer runs, which is not believed against a process that can
    be seen here. The servers are looked at first, whoever takes over.
    """
    record, stale = session.journal.run(run), stale_after(session)
    silent = session.journal.is_stale(run, stale)
    refuse_living(session, record, forced=forced)
    is_by_silence = silent and not forced and not _is_gone(record)
    return session.journal.resume(
        run,
        session.holder(run),
        stale=stale if is_by_silence else None,
        instead_of=record.holder,
        outside_window=outside_window,
        command=command,
        reason=reason,
    )


def refuse_living(session: Session, record: RunRecord, *, forced: bool = False) -> None:
    """Locked where the run's process may still be at work. The lease is the law; this keeps two from alternating."""
    found = works_on(session.journal, record, stale_after(session))
    if found is False or (forced and not _is_seen(session, record)):
        return
    holder = record.holder
    raise Locked(
        "",
        f"{holder} {_where(session, record)}",
        run=record.id,
        holder=str(holder),
        since=record.started_at,
        next_step=_hint(session, record),
    )


def works_on(journal: Journal, record: RunRecord, stale: timedelta) -> bool | None:
    """Whether the run's process works on; None where nobody can tell: it ran elsewhere, and wrote no beats.

    A process that can be seen here, but was silent for too long, hangs, or is another one of the same number.
    """
    found = is_at_work(record)
    if found is False or journal.is_stale(record.id, stale):
        return False
    return True if journal.beat_of(record.id) is not None else found


def is_at_work(record: RunRecord) -> bool | None:
    """The same as far as the number of the process tells; None where it ran on another host."""
    if _is_gone(record):
        return False
    return True if _is_here(record) else None


def stale_after(session: Session) -> timedelta:
    """A process that is silent for longer counts as dead."""
    return timedelta(seconds=session.config.schedule.stale_seconds)


def _is_gone(record: RunRecord) -> bool:
    """It has ended, or its process certainly does not run here any more, or is this very one."""
    if record.ended_at is not None:
        return True
    return _is_here(record) and (record.holder.pid == os.getpid() or not is_alive(record.holder.pid))


def _is_here(record: RunRecord) -> bool:
    return record.holder.host == socket.gethostname()


def _is_seen(session: Session, record: RunRecord) -> bool:
    """A process of this number runs here, and a beat says that it is the one."""
    return _is_here(record) and session.journal.beat_of(record.id) is not None


def _where(session: Session, record: RunRecord) -> str:
    beat = session.journal.beat_of(record.id)
    ago = "" if beat is None else f"{max(0, (session.journal.clock() - beat).total_seconds()):.0f} seconds ago"
    if _is_here(record):
        return "is still at work" + (f", and said so {ago}" if ago else "")
    if ago:
        return f"ran on {record.holder.host}, and wrote {ago} that it is at work"
    return f"ran on {record.holder.host}, and from here nobody can tell whether it lives"


def _hint(session: Session, record: RunRecord) -> str:
    stop = session.options.line(f"stop {record.id}")
    if _is_seen(session, record):
        return f"Wait for it to end, or ask it to: {stop}. Where it hangs, end process {record.holder.pid} first."
    said = "When it certainly no longer runs, say so with --take-over."
    if session.journal.beat_of(record.id) is not None:
        silence = f"{stale_after(session).total_seconds():.0f} seconds of silence"
        said = f"After {silence} this command goes on by itself. {said}"
    return f"Wait for it to end, or ask it to: {stop}. {said}"


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs here; one that cannot be asked counts as alive."""
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    """On Windows os.kill would end the process instead of asking."""
    import ctypes

    query_limited, still_active, invalid_parameter = 0x1000, 259, 87
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]  # Windows only
    handle = kernel.OpenProcess(query_limited, False, pid)
    if not handle:
        return bool(ctypes.get_last_error() != invalid_parameter)  # type: ignore[attr-defined,unused-ignore]  # as above
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
