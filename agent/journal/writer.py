"""A run that may still write: bound to one process, which loses the ability when another one takes the run over."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import RowMapping

from agent.errors import JournalError, Locked
from agent.journal import admission, beats, hands, leases, looks, rows, steps
from agent.journal.admission import Terms
from agent.journal.reading import RUN, RUN_TO_WRITE
from agent.journal.store import Store
from agent.journal.tables import findings, proofs, runs, second_looks, servers
from agent.journal.tables import steps as steps_table
from agent.model import Finding, Holder, Prior, Proof, ServerState, Step, StepState
from agent.model.plan import LEADS_TO

NO_TERMS = Terms()


@cache
def finding_adapter() -> TypeAdapter[Finding]:
    """Between a finding and its document; slow to make, and made when first needed."""
    return TypeAdapter(Finding)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """What one process writes down about its run; for many threads. Everything is durable when a call returns."""

    holder: Holder
    store: Store
    now: Callable[[], datetime]
    scrub: Callable[[str], str]

    @property
    def id(self) -> str:
        """Name of the run."""
        return self.holder.run

    def admit(self, server: str, terms: Terms = NO_TERMS) -> None:
        """Hold the server until it is closed: one writer per server, in one transaction on the database's clock.

        A server that is ours already is admitted again, whatever the terms say. Otherwise raises `Stopped`,
        `ThresholdReached`, `WindowClosed`, or `Locked` with who holds it since when; then nothing was written.
        """
        try:
            self._admit(server, terms)
        except JournalError as error:  # two processes at the same moment: the second one now sees the first
            if not isinstance(error.__cause__, sa.exc.IntegrityError):
                raise
            self._admit(server, terms)

    def beat(self) -> None:
        """Write down that this process lives, by the database's clock; `Locked` where the run was taken over."""
        with self._writing() as connection:
            beats.beat(connection, self.id, self.store.clock(connection))

    def leave(self) -> None:
        """This process works on the run no more, which has not ended: whoever comes next may take it over at once."""
        with self._writing() as connection:
            beats.beat(connection, self.id, beats.LONG_AGO)
            hands.let_go(connection, self.id, self.now())

    def check_fence(self, fence: timedelta) -> None:
        """Before something is sent: raises `Fenced` where the last beat is older, or the run was taken over."""
        with self.store.read() as connection:
            row = connection.execute(RUN, {"run": self.id}).mappings().one()
            beats.check(row, self.holder, fence, self.store.clock(connection))

    def note(
        self,
        server: str,
        step: Step,
        state: StepState,
        *,
        originals: Sequence[Prior] = (),
        message: str = "",
        error: BaseException | None = None,
    ) -> int:
        """Write down where a step stands, with the values to put back when it is intended; gives its number.

        Raises `ImpossibleMove` where the step's life has no such move, `Locked` where the run was taken over, and
        `JournalError` where the server was not admitted or a change has no original: then nothing was written.
        """
        with self._writing(server) as connection:
            leases.check(connection, server, self.holder)
            attempt = steps.at(self.now(), state, message, error)
            attempt = replace(attempt, message=self.scrub(attempt.message))
            return steps.note(connection, self.id, server, step, attempt, originals)

    def found(self, server: str, finding: Finding) -> None:
        """Keep what one look at the server saw."""
        columns = {"run_id": self.id, "server": server, "at": finding.at}
        document = finding_adapter().dump_json(finding).decode("utf-8")
        with self._writing(server) as connection:
            connection.execute(findings.insert().values(**columns, document=document))

    def proved(self, server: str, given: Iterable[Proof]) -> None:
        """Keep the answers of the proxy path."""
        scrubbed = [replace(proof, evidence=self.scrub(proof.evidence)) for proof in given]
        columns = [{"run_id": self.id, "server": server, **rows.of_proof(proof)} for proof in scrubbed]
        if columns:
            with self._writing(server) as connection:
                connection.execute(proofs.insert(), columns)

    def conclude(self, server: str, state: ServerState, reason: str, *, outage_seconds: float | None = None) -> None:
        """Say how it stands with a server and why; one that was never admitted is closed by this."""
        if not reason:
            raise JournalError("a state needs a reason", where=server)
        values: dict[str, object] = {"state": state.value, "reason": self.scrub(reason), "ended_at": self.now()}
        if outage_seconds is not None:
            values["outage_seconds"] = outage_seconds
        with self._writing(server) as connection:
            if state is ServerState.CHANGED:
                self._measure(connection, server)
            if not connection.execute(servers.update().where(self._mine(server)).values(values)).rowcount:
                columns = {"run_id": self.id, "server": server, "is_closed": True, **values}
                connection.execute(servers.insert().values(columns))

    def owe_look(self, server: str, due_at: datetime) -> None:
        """The server must be looked at again then, and no older run's look counts; the last time said counts."""
        mine = (second_looks.c.run_id == self.id) & (second_looks.c.server == server)
        values = {"due_at": due_at, "taken_at": None}
        with self._writing(server) as connection:
            if not connection.execute(second_looks.update().where(mine).values(values)).rowcount:
                connection.execute(second_looks.insert().values(run_id=self.id, server=server, **values))
            looks.supersede(connection, server, self.now(), keep=self.id)

    def close(self, server: str) -> None:
        """Nothing is owed to the server any more: let go of it. Refused while a step's outcome is not known."""
        with self._writing(server) as connection:
            leases.check(connection, server, self.holder)
            waiting = steps.unsettled(connection, self.id, server)
            if waiting:
                hint = f"easfix resume {self.id}"
                raise JournalError(f"not settled yet: {', '.join(waiting)}", where=server, next_step=hint)
            connection.execute(servers.update().where(self._mine(server)).values(is_closed=True))
            leases.release(connection, server, self.id)

    def end(self, exit_code: int) -> None:
        """The run is over; servers that are not closed stay held until it is resumed or rolled back."""
        with self._writing() as connection:
            now = self.now()
            connection.execute(runs.update().where(runs.c.id == self.id).values(ended_at=now, exit_code=exit_code))
            hands.let_go(connection, self.id, now, exit_code)

    def _admit(self, server: str, terms: Terms) -> None:
        with self._writing_run(server) as (connection, run):
            admission.admit(connection, run, server, self.holder, terms, self.store.clock(connection))

    def _measure(self, connection: sa.Connection, server: str) -> None:
        """Keep how long the server took, where this process admitted it and did all of it; a later look is not work.

        Nor does a proxy tell how long a server takes.
        """
        mine = self._mine(server) & servers.c.is_closed.is_(False)
        of_server = (steps_table.c.run_id == self.id) & (steps_table.c.server == server)
        is_proxy = sa.exists().where(of_server, steps_table.c.arguments.contains(f'"{LEADS_TO}"'))
        query = sa.select(servers.c.admitted_at).where(mine, servers.c.worked_seconds.is_(None), ~is_proxy)
        if (admitted := connection.execute(query).scalar()) is not None:
            seconds = (self.store.clock(connection) - admitted).total_seconds()
            connection.execute(servers.update().where(mine).values(worked_seconds=seconds))

    def _mine(self, server: str) -> sa.ColumnElement[bool]:
        return (servers.c.run_id == self.id) & (servers.c.server == server)

    @contextmanager
    def _writing(self, server: str = "") -> Iterator[sa.Connection]:
        """A transaction of a process that the run still belongs to."""
        with self._writing_run(server) as (connection, _):
            yield connection

    @contextmanager
    def _writing_run(self, server: str = "") -> Iterator[tuple[sa.Connection, RowMapping]]:
        """The same, with the run's row; whoever takes the run over or asks it to stop waits until this ends."""
        with self.store.write() as connection:
            row = connection.execute(RUN_TO_WRITE, {"run": self.id}).mappings().one()
            if rows.holder(row, self.id) != self.holder:
                other = rows.holder(row, self.id)
                message = f"the run was taken over: {other}"
                raise Locked(server, message, run=self.id, holder=str(other), since=row["started_at"])
            yield connection, row
