"""Owns what becomes of a terminating error: report and go on, or leave; and how a thrown value becomes a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord, ExceptionObject, Refused, Terminate
from agent.lab.powershell.text import to_string

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context

RUNTIME = "System.Management.Automation.RuntimeException"
REFUSED_ID = "LabRefused"


def preference(context: Context) -> str:
    """$ErrorActionPreference in lower case."""
    held = context.scope.find("erroractionpreference")
    text = to_string(held).lower() if isinstance(held, (str, int)) else "continue"
    return text if text in ("stop", "silentlycontinue", "inquire") else "continue"


def handle(context: Context, terminate: Terminate) -> None:
    """Decide as 2.0 does: inside a try, by throw or by Stop it goes up; else it is reported and the script goes on."""
    if context.engine.propagating or terminate.final:
        raise terminate
    action = preference(context)
    if action == "silentlycontinue":
        return
    if action in ("stop", "inquire"):
        terminate.final = True
        raise terminate
    if terminate.thrown:
        raise terminate
    context.errors(terminate.record)


def thrown_record(held: Any, context: Context | None = None, *, explicit: bool = False) -> ErrorRecord:
    """The record of what was thrown: an exception, a record, a text, an object, or nothing."""
    if isinstance(held, ClrError):
        return ErrorRecord(held, error_id(held), category_of(held))
    if isinstance(held, ErrorRecord):
        return held
    if isinstance(held, ExceptionObject):
        return ErrorRecord(held.error, held.error.message, "OperationStopped")
    if held is None:
        current = context.scope.find("_") if context is not None else None
        if isinstance(current, ErrorRecord):
            return current
        return ErrorRecord(ClrError("ScriptHalted", RUNTIME), "ScriptHalted", "OperationStopped")
    text = to_string(held)
    return ErrorRecord(ClrError(text, RUNTIME), text, "OperationStopped", held)


_IDS = {
    "System.Management.Automation.CommandNotFoundException": "CommandNotFoundException",
    "System.Management.Automation.MethodInvocationException": "DotNetMethodException",
    "System.Management.Automation.SetValueInvocationException": "PropertyAssignmentException",
}


def error_id(error: ClrError) -> str:
    """FullyQualifiedErrorId of an exception that came without one."""
    given = getattr(error, "error_id", "")
    return given or _IDS.get(error.type_name) or "RuntimeException"


def category_of(error: ClrError) -> str:
    """The category of an exception that came without one."""
    given = getattr(error, "category", "")
    if given:
        return str(given)
    if error.type_name.endswith("CommandNotFoundException"):
        return "ObjectNotFound"
    return "NotSpecified"


def fault(text: str, given_id: str = "", category: str = "InvalidOperation", **more: Any) -> ClrError:
    """A RuntimeException with its FullyQualifiedErrorId and category."""
    error = ClrError(text, RUNTIME, **more)
    error.error_id = given_id  # type: ignore[attr-defined] # read by error_id
    error.category = category  # type: ignore[attr-defined] # read by category_of
    return error


def refusal_record(refusal: Refused) -> ErrorRecord:
    """The loud record of what the lab or PowerShell 2.0 does not do."""
    where = f" (line {refusal.line})" if refusal.line else ""
    message = f"Not supported by the lab's PowerShell 2.0: {refusal.construct}{where}"
    record = ErrorRecord(ClrError(message, "System.NotSupportedException"), REFUSED_ID, "NotImplemented")
    record.where.line_number = refusal.line
    return record


def parse_record(reason: str, line: int, text: str) -> ErrorRecord:
    """The record of a script that does not parse: nothing of it ran."""
    message = f"{reason}.\nAt line:{line} char:1\n+ {text.strip()}"
    error = ClrError(message, "System.Management.Automation.ParseException", bases=(RUNTIME,))
    return ErrorRecord(error, "ParserError", "ParserError", line=line, text=text)
