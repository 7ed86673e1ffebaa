"""The one table of exit codes, and which one wins when several apply."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType

from agent import errors
from agent.model import ServerState


class Exit(IntEnum):
    """What the process says to its caller."""

    OK = 0
    PENDING = 2
    FAILED = 3
    UNCERTAIN = 4
    REFUSED = 5
    USAGE = 64
    CONFIG = 78
    INTERRUPTED = 130


MEANING: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.OK: "all as it should be, or all done and proved",
        Exit.PENDING: "changes are pending (check, plan, --dry-run)",
        Exit.FAILED: "some servers failed",
        Exit.UNCERTAIN: "could not tell: unreachable, unknown or reverted",
        Exit.REFUSED: "refused: stale plan, lock, window, cap, guard, or no terminal to ask",
        Exit.USAGE: "the command line is not right",
        Exit.CONFIG: "the configuration, or something it names, cannot be used",
        Exit.INTERRUPTED: "interrupted by the operator",
    }
)

ORDER = (Exit.INTERRUPTED, Exit.USAGE, Exit.CONFIG, Exit.FAILED, Exit.UNCERTAIN, Exit.REFUSED, Exit.PENDING, Exit.OK)
"""Worst first. 64 and 78 end a run before its first server, so they never compete with a server's code."""

OF_STATE: Mapping[ServerState, Exit] = MappingProxyType(
    {
        ServerState.RIGHT: Exit.OK,
        ServerState.CHANGED: Exit.OK,
        ServerState.PENDING: Exit.PENDING,
        ServerState.FAILED: Exit.FAILED,
        ServerState.ROLLED_BACK: Exit.FAILED,  # of an apply; for a rollback it is what was asked for
        ServerState.UNREACHABLE: Exit.UNCERTAIN,
        ServerState.UNKNOWN: Exit.UNCERTAIN,
        ServerState.REVERTED: Exit.UNCERTAIN,
        ServerState.SKIPPED: Exit.REFUSED,
    }
)

_OF_ERROR: tuple[tuple[type[errors.EasfixError], Exit], ...] = (  # the first that fits wins
    (errors.UsageError, Exit.USAGE),
    (errors.ConfigError, Exit.CONFIG),
    (errors.JournalError, Exit.CONFIG),
    (errors.Refused, Exit.REFUSED),
    (errors.Interrupted, Exit.INTERRUPTED),
    (errors.Unreachable, Exit.UNCERTAIN),
    (errors.Denied, Exit.UNCERTAIN),
    (errors.Unsupported, Exit.UNCERTAIN),
    (errors.Busy, Exit.UNCERTAIN),
    (errors.TimedOut, Exit.UNCERTAIN),
    (errors.BrokenOff, Exit.UNCERTAIN),
    (errors.BadAnswer, Exit.UNCERTAIN),
    (errors.EasfixError, Exit.FAILED),
)


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that wins; nothing at all is OK."""
    return min(codes, key=ORDER.index, default=Exit.OK)


def of_state(state: ServerState, *, is_rollback: bool = False) -> Exit:
    """What one server's state means for the exit code of the run."""
    if is_rollback and state is ServerState.ROLLED_BACK:
        return Exit.OK
    return OF_STATE[state]


def of_error(error: errors.EasfixError) -> Exit:
    """What an error that ends the program means for its exit code.

    64 and 78 say that nothing was begun. Where the error put an end to a run, a server may have been touched.
    """
    found = next(code for kind, code in _OF_ERROR if isinstance(error, kind))
    return Exit.UNCERTAIN if error.run_ended and found in (Exit.USAGE, Exit.CONFIG) else found
