"""Owns whether the proxies' turn comes: only where every server of the run went well, those before this process too."""

from __future__ import annotations

from agent.course import Tools
from agent.model import ServerRecord, ServerState
from agent.outcome import NOT_BEGUN, is_to_come

ONLY = "IIS is restarted on proxies only when every server went well"


def not_well(tools: Tools) -> str:
    """Why no proxy is restarted now; empty where one may be."""
    bad = [each for each in tools.journal.run(tools.run.id).servers if _is_not_well(each, tools)]
    if not bad:
        return ""
    first = bad[0]
    return f"{NOT_BEGUN}: {ONLY}, and {first.name} is {first.state or ServerState.UNKNOWN}"


def _is_not_well(record: ServerRecord, tools: Tools) -> bool:
    """It failed, or its turn did not come; a proxy whose own turn is still to come says nothing."""
    if record.state is None or record.state.is_failure:
        return True
    return is_to_come(record) and record.name.casefold() in tools.servers
