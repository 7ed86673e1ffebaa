"""The write-ahead record of runs: durable before anything is sent, and enough by itself to resume or roll back."""

from agent.journal.admission import Terms
from agent.journal.book import LAST, Journal, open_journal
from agent.journal.leases import HELD
from agent.journal.writer import OpenRun

__all__ = ["HELD", "LAST", "Journal", "OpenRun", "Terms", "open_journal"]
