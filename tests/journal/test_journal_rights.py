"""Whether an account may write the journal is told without writing, by a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from agent.journal import Journal, open_journal


def now() -> datetime:
    return datetime.now(UTC)


Become = Callable[..., Journal]


@pytest.fixture
def become(address: str) -> Iterator[Become]:
    """The same database as another account, which has these rights; only for PostgreSQL."""
    if not address.startswith("postgresql"):
        pytest.skip("the rights of a file are the file system's affair")
    import psycopg  # type: ignore[import-not-found,unused-ignore]  # an extra; the fixture has skipped without it

    open_journal(address, now).close()
    opened: list[Journal] = []

    def become(name: str, *rights: str) -> Journal:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN")
            for right in rights:
                connection.execute(right.format(name=name))
        theirs = address.replace("easfix@", f"{name}@", 1)
        opened.append(open_journal(theirs, now, read_only=True))
        return opened[-1]

    yield become
    for journal in opened:
        journal.close()


def test_whoever_made_the_journal_may_write_it(journal: Journal) -> None:
    assert journal.lacks() == ""


def test_an_account_that_may_only_read_is_told_what_it_lacks(become: Become) -> None:
    found = become("reader", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}").lacks()

    assert found.startswith("this account lacks ")
    assert "INSERT on" in found and found.endswith(" and more")


def test_a_single_missing_right_is_named(become: Become) -> None:
    every = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"
    found = become("nearly", every, "REVOKE DELETE ON leases FROM {name}").lacks()

    assert found == "this account lacks DELETE on leases"


def test_an_account_that_is_read_only_by_default_is_told_so(become: Become) -> None:
    every = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"
    found = become("careful", every, "ALTER ROLE {name} SET default_transaction_read_only = on").lacks()

    assert "default_transaction_read_only" in found
