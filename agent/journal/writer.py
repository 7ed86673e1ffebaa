"""A run that may still write: bound to one process, which loses the ability when another one takes the run over."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from pydantic import TypeAdapter

from agent.errors import JournalError, Locked
from agent.journal import leases, looks, rows, steps
from agent.journal.store import Store
from agent.journal.tables import findings, proofs, runs, second_looks, servers
from agent.model import Finding, Holder, Prior, Proof, ServerState, Step, StepState


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

    def admit(self, server: str) -> None:
        """Hold the server until it is closed: one writer per server. Raises `Locked` with who holds it since when."""
        try:
            self._admit(server)
        except JournalError as error:  # two processes at the same moment: the second one now sees the first
            if not isinstance(error.__cause__, sa.exc.IntegrityError):
                raise
            self._admit(server)

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
            values = {"ended_at": self.now(), "exit_code": exit_code}
            connection.execute(runs.update().where(runs.c.id == self.id).values(values))

    def _admit(self, server: str) -> None:
        now = self.now()
        with self._writing(server) as connection:
            leases.take(connection, server, self.holder, now)
            skipped = servers.c.state == ServerState.SKIPPED.value  # it waited for its turn, which is now
            values = {
                "is_closed": False,
                "started_at": sa.func.coalesce(servers.c.started_at, now),
                "state": sa.case((skipped, None), else_=servers.c.state),
                "reason": sa.case((skipped, ""), else_=servers.c.reason),
            }
            if not connection.execute(servers.update().where(self._mine(server)).values(values)).rowcount:
                columns = {"run_id": self.id, "server": server, "reason": "", "started_at": now, "is_closed": False}
                connection.execute(servers.insert().values(columns))

    def _mine(self, server: str) -> sa.ColumnElement[bool]:
        return (servers.c.run_id == self.id) & (servers.c.server == server)

    @contextmanager
    def _writing(self, server: str = "") -> Iterator[sa.Connection]:
        """A transaction of a process that the run still belongs to."""
        with self.store.write() as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == self.id)).mappings().one()
            if rows.holder(row, self.id) != self.holder:
                other = rows.holder(row, self.id)
                message = f"the run was taken over: {other}"
                raise Locked(server, message, run=self.id, holder=str(other), since=row["started_at"])
            yield connection
