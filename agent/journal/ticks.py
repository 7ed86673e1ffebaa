"""Ticks of a schedule: each one is claimed once, by whichever process of whichever machine comes first."""

from datetime import datetime

import sqlalchemy as sa

from agent.errors import JournalError
from agent.journal import rows
from agent.journal.store import Store
from agent.journal.tables import ticks
from agent.model import Holder


def claim(store: Store, schedule: str, at: datetime, holder: Holder) -> bool:
    """The tick is ours; False where somebody, be it ourselves, has claimed it before."""
    mine = (ticks.c.schedule == schedule) & (ticks.c.at == at)
    try:
        with store.write() as connection:
            if connection.execute(sa.select(ticks.c.schedule).where(mine)).first() is not None:
                return False
            columns = {"schedule": schedule, "at": at, "claimed_at": store.clock(connection)}
            connection.execute(ticks.insert().values({**columns, **rows.of_holder(holder)}))
    except JournalError as error:  # another one at the same moment was faster
        if isinstance(error.__cause__, sa.exc.IntegrityError):
            return False
        raise
    return True
