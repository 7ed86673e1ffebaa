"""The journal: opening it, beginning and resuming runs, and reading everything back."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from agent.errors import UnknownName
from agent.journal import approvals, beats, debts, hands, leases, looks, reading, rights, rows, stops, ticks
from agent.journal.store import Store, open_store
from agent.journal.tables import findings, plans, runs, second_looks, servers
from agent.journal.writer import OpenRun, finding_adapter
from agent.model import Approval, Debt, Finding, Holder, Prior, RunRecord, SecondLook, ServerRecord, ServerState

LAST = "last"
NO_WAVES: Mapping[str, int] = MappingProxyType({})


def _as_it_is(text: str) -> str:
    return text


class Journal:
    """The write-ahead record of runs; for many threads, and for many processes."""

    def __init__(self, store: Store, now: Callable[[], datetime], scrub: Callable[[str], str] = _as_it_is) -> None:
        self._store = store
        self._now = now
        self._scrub = scrub

    @property
    def where(self) -> str:
        """The file, or the URL without its password."""
        return self._store.where

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def clock(self) -> datetime:
        """The time by the clock that all processes on this journal share: PostgreSQL's own; of a file, ours."""
        with self._store.read() as connection:
            return self._store.clock(connection)

    def begin(
        self,
        run: RunRecord,
        chosen: Iterable[str] = (),
        waiting: str = "not begun",
        waves: Mapping[str, int] = NO_WAVES,
    ) -> OpenRun:
        """Write down that a run begins, with the servers chosen for it, and get the ability to write about it.

        A chosen server stands as skipped for the reason `waiting` until its turn comes: whoever resumes a run that
        died knows which servers it was to work on, and takes up no other. `waves` are numbers by server.
        """
        scrubbed = {name: self._scrub(getattr(run, name)) for name in ("reason", "change", "outside_window")}
        with self._store.write() as connection:
            beat = {"beat_at": self._store.clock(connection)}
            connection.execute(runs.insert().values({**rows.of_run(run), **scrubbed, **beat}))
            hands.take(connection, run.holder, run.command, scrubbed["reason"], run.started_at)
            columns = {"run_id": run.id, "state": ServerState.SKIPPED.value, "reason": waiting, "is_closed": True}
            if names := list(chosen):
                rows_of = [{**columns, "server": name, "wave": waves.get(name)} for name in names]
                connection.execute(servers.insert(), rows_of)
        return OpenRun(run.holder, self._store, self._now, self._scrub)

    def resume(
        self,
        run: str,
        holder: Holder,
        *,
        stale: timedelta | None = None,
        instead_of: Holder | None = None,
        lifts_stop: bool = True,
        outside_window: str = "",
        command: str = "resume",
        reason: str = "",
    ) -> OpenRun:
        """Take a run over, with every server it holds: the process before can write no more.

        With `stale`, only where the run has ended or its beat is older by the database's clock, and with `instead_of`,
        only from that process; `Locked` otherwise, so of two that take over at once only one does.
        Whoever asked the run to stop has been heard, unless told otherwise. A new reason to work outside any window
        is kept with the run. By which `command` and for what `reason` stands beside those who had it before.
        """
        with self._store.write() as connection:
            row = self._row(connection, run, is_writing=True)
            now, before = self._store.clock(connection), rows.holder(row, run)
            is_theirs = instead_of is not None and before != instead_of
            if is_theirs or (stale is not None and not beats.is_stale(row, stale, now)):
                raise beats.alive(row, now)
            values = {"ended_at": None, "exit_code": None, "beat_at": now, **rows.of_holder(holder)}
            values |= stops.LIFTED if lifts_stop else {}
            values |= {"outside_window": self._scrub(outside_window)} if outside_window else {}
            connection.execute(runs.update().where(runs.c.id == run).values(values))
            leases.hand_over(connection, holder)
            if not hands.of(connection, [run])[run]:  # begun by an older easfix since the table was made
                hands.take(connection, before, row["command"], row["reason"], row["started_at"])
            hands.take(connection, holder, command, self._scrub(reason), self._now())
        return OpenRun(holder, self._store, self._now, self._scrub)

    def lacks(self) -> str:
        """Why a run could not be written down here; empty where it could. Nothing is written to find out."""
        with self._store.read() as connection:
            return rights.missing(connection)

    def beat_of(self, run: str) -> datetime | None:
        """When the run's process last wrote that it lives; None where an older easfix began it."""
        with self._store.read() as connection:
            found: datetime | None = self._row(connection, run)["beat_at"]
            return found

    def is_stale(self, run: str, stale: timedelta) -> bool:
        """No process works on the run any more, by the database's clock: it has ended, or its beat is older."""
        with self._store.read() as connection:
            return beats.is_stale(self._row(connection, run), stale, self._store.clock(connection))

    def ask_stop(self, run: str, by: str, why: str = "") -> None:
        """Ask a run to stop, in whichever process it goes on; raises `UnknownName`."""
        with self._store.write() as connection:
            if not stops.ask(connection, run, by, self._scrub(why), self._store.clock(connection)):
                raise self._unknown(run)

    def stop_asked(self, run: str) -> str:
        """By whom, when and why the run was asked to stop; empty where nobody did."""
        with self._store.read() as connection:
            return stops.words(self._row(connection, run))

    def approve(self, approval: Approval) -> Approval:
        """Keep an approval; what comes back has the time of the journal's clock."""
        with self._store.write() as connection:
            return approvals.approve(connection, approval, self._store.clock(connection))

    def approvals(self, plan_hash: str) -> tuple[Approval, ...]:
        """Every approval of the plan, newest first."""
        with self._store.read() as connection:
            return approvals.of_plan(connection, plan_hash)

    def claim_tick(self, schedule: str, at: datetime, holder: Holder) -> bool:
        """True for the one process that is to do the work of this tick, and for nobody else ever after."""
        return ticks.claim(self._store, schedule, at, holder)

    def measured(self, last: int = 200) -> tuple[float, ...]:
        """Seconds from admission to proof of the servers that were changed last, newest first."""
        with self._store.read() as connection:
            return reading.measured(connection, last)

    def debts(self) -> tuple[Debt, ...]:
        """What is owed to the servers that runs hold, also by runs that are at work."""
        with self._store.read() as connection:
            names = dict.fromkeys(run for run, _ in reading.unclosed(connection))
            records = [reading.run(connection, name) for name in names]
        return tuple(debts.of_runs(record for record in records if record))

    def find(self, text: str) -> str:
        """The whole name of a run from its beginning, or of the "last" one; raises `UnknownName`."""
        with self._store.read() as connection:
            query = sa.select(runs.c.id).order_by(runs.c.started_at.desc(), runs.c.id.desc())
            names = list(connection.execute(query).scalars())
        if text == LAST and names:
            return str(names[0])
        found = [name for name in names if name == text] or [name for name in names if text and name.startswith(text)]
        if len(found) == 1:
            return str(found[0])
        if text == LAST:
            raise UnknownName("no run is on record yet", where=self.where, next_step="easfix apply makes the first one")
        raise self._unknown(text, tuple(found[:5] or names[:5]), is_beginning=bool(found))

    def run(self, run: str) -> RunRecord:
        """One run with everything that is known of it; raises `UnknownName`."""
        with self._store.read() as connection:
            record = reading.run(connection, run)
        if record is None:
            raise self._unknown(run)
        return record

    def server(self, run: str, server: str) -> ServerRecord:
        """One server of a run with everything that is known of it; an empty record where nothing is."""
        with self._store.read() as connection:
            return reading.server(connection, run, server) or ServerRecord(server)

    def state(self, run: str, server: str) -> ServerState | None:
        """How one server of a run stands; None where nothing was concluded."""
        with self._store.read() as connection:
            return reading.state(connection, run, server)

    def history(self, limit: int = 20) -> tuple[RunRecord, ...]:
        """The last runs, newest first, with how their servers ended, without steps and proofs."""
        with self._store.read() as connection:
            return reading.history(connection, limit)

    def originals(self, run: str, server: str) -> tuple[Prior, ...]:
        """What the server was like before this run touched it."""
        with self._store.read() as connection:
            return reading.originals(connection, run, server)

    def findings(self, run: str, server: str) -> tuple[Finding, ...]:
        """What was seen of the server in this run, in order."""
        mine = (findings.c.run_id == run) & (findings.c.server == server)
        with self._store.read() as connection:
            documents = connection.execute(sa.select(findings.c.document).where(mine).order_by(findings.c.id))
            return tuple(finding_adapter().validate_json(document) for document in documents.scalars())

    def held_by(self, server: str) -> tuple[Holder, datetime] | None:
        """Who holds the server, and since when."""
        with self._store.read() as connection:
            return leases.find(connection, server, is_reading=True)

    def unclosed(self) -> tuple[tuple[str, str], ...]:
        """Every (run, server) to which something is owed."""
        with self._store.read() as connection:
            return reading.unclosed(connection)

    def not_ended(self) -> tuple[str, ...]:
        """The runs that are at work, or that died."""
        with self._store.read() as connection:
            query = sa.select(runs.c.id).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at, runs.c.id)
            return tuple(connection.execute(query).scalars())

    def newer_change(self, run: str, server: str, *, in_force: bool = False) -> str | None:
        """The last other run that changed the server after this one; `in_force`: and did not put it back."""
        with self._store.read() as connection:
            return reading.newer_change(connection, run, server, in_force=in_force)

    def last_concluded(self) -> tuple[tuple[str, str, ServerState], ...]:
        """Per server, the last run that found out how it stands: (run, server, state)."""
        with self._store.read() as connection:
            return reading.last_concluded(connection)

    def save_plan(self, hash: str, document: str) -> None:
        """Keep the document of a plan under its hash."""
        with self._store.write() as connection:
            if connection.execute(sa.select(plans.c.hash).where(plans.c.hash == hash)).first() is None:
                connection.execute(plans.insert().values(hash=hash, saved_at=self._now(), document=document))

    def plan(self, hash: str) -> str:
        """The document of a plan; raises `UnknownName`."""
        with self._store.read() as connection:
            document = connection.execute(sa.select(plans.c.document).where(plans.c.hash == hash)).scalar()
        if document is None:
            raise UnknownName(f"there is no plan {hash} in the journal", where=self.where)
        return str(document)

    def looks_due(self, run: str | None = None) -> tuple[SecondLook, ...]:
        """The second looks whose time has come and that nobody took, of one run or of all, the oldest first."""
        wanted = second_looks.c.taken_at.is_(None) & (second_looks.c.due_at <= self._now())
        return self._looks(wanted if run is None else wanted & (second_looks.c.run_id == run))

    def looks(self, run: str) -> tuple[SecondLook, ...]:
        """The second looks of a run, due, taken or still to come."""
        return self._looks(second_looks.c.run_id == run)

    def looks_open(self) -> tuple[SecondLook, ...]:
        """The second looks that nobody took yet, due or not."""
        return self._looks(second_looks.c.taken_at.is_(None))

    def took_look(self, run: str, server: str) -> None:
        """The second look was taken, by whichever run."""
        mine = (second_looks.c.run_id == run) & (second_looks.c.server == server) & second_looks.c.taken_at.is_(None)
        with self._store.write() as connection:
            connection.execute(second_looks.update().where(mine).values(taken_at=self._now()))

    def drop_looks(self, server: str) -> None:
        """No run's second look at the server is to be taken any more: what it was about is put back."""
        with self._store.write() as connection:
            looks.supersede(connection, server, self._now())

    def _looks(self, wanted: sa.ColumnElement[bool]) -> tuple[SecondLook, ...]:
        query = sa.select(second_looks).where(wanted).order_by(second_looks.c.due_at, second_looks.c.server)
        with self._store.read() as connection:
            return tuple(rows.second_look(row) for row in connection.execute(query).mappings())

    def _row(self, connection: sa.Connection, run: str, *, is_writing: bool = False) -> RowMapping:
        query = reading.RUN_TO_WRITE if is_writing else reading.RUN
        row = connection.execute(query, {"run": run}).mappings().one_or_none()
        if row is None:
            raise self._unknown(run)
        return row

    def _unknown(self, text: str, meant: tuple[str, ...] = (), *, is_beginning: bool = False) -> UnknownName:
        hint = f"perhaps {', '.join(meant)}; easfix history lists them" if meant else "easfix history lists the runs"
        said = f"several runs begin with {text}" if is_beginning else f"there is no run {text} in the journal"
        return UnknownName(said, meant=meant, where=self.where, next_step=hint)


def open_journal(
    address: str,
    now: Callable[[], datetime],
    *,
    username: str = "",
    password: str | None = None,
    scrub: Callable[[str], str] = _as_it_is,
    read_only: bool = False,
) -> Journal:
    """Open the journal in a file or at a URL; raises `JournalError` or `ConfigError`.

    `scrub` takes the secrets out of every sentence before it is written. With `read_only` nothing is made.
    """
    return Journal(open_store(address, now, username, password, read_only=read_only), now, scrub)
