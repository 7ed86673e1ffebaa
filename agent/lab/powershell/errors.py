"""Owns what can go wrong or leave early while a script runs: error records, refusals, control flow."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember, method, prop
from agent.lab.powershell.values import EnumKind


class Refused(Exception):  # noqa: N818 - a verdict, and no script can catch it
    """The lab does not do this, or PowerShell 2.0 has no such thing: ends the script, no catch sees it."""

    def __init__(self, construct: str, line: int = 0) -> None:
        """`construct` is named to the operator with its line."""
        super().__init__(construct)
        self.construct = construct
        self.line = line


# What Python raises where a declared member or cmdlet meets arguments nobody thought of: refused, never a crash.
MISUSE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


class Flow(Exception):  # noqa: N818 - control flow, not an error
    """Base of what leaves a block early."""


class BreakFlow(Flow):
    """`break [label]`."""

    def __init__(self, label: str | None = None) -> None:
        super().__init__(label)
        self.label = label


class ContinueFlow(Flow):
    """`continue [label]`."""

    def __init__(self, label: str | None = None) -> None:
        super().__init__(label)
        self.label = label


class ReturnFlow(Flow):
    """`return`; its value was already written."""


class ExitFlow(Flow):
    """`exit [code]`."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class Stopped(Flow):
    """stop() was called or the process was killed."""


class ExceptionObject(ClrObject):
    """`$_.Exception`: a .NET exception seen from a script."""

    def __init__(self, error: ClrError) -> None:
        """`error` is what was thrown."""
        self.error = error
        self.TYPE = error.type_name  # type: ignore[misc] # the type of an exception is the instance's own
        self.BASES = error.bases  # type: ignore[misc] # likewise

    @prop("Message")
    def message(self) -> str:
        """The text."""
        return self.error.message

    @prop("InnerException")
    def inner(self) -> ExceptionObject | None:
        """What caused it, or $null."""
        return ExceptionObject(self.error.inner) if self.error.inner else None

    @prop("Source")
    def source(self) -> str:
        """The assembly, as far as scripts care."""
        return "System.Management.Automation" if "Automation" in self.TYPE else "mscorlib"

    @prop("StackTrace")
    def stack_trace(self) -> str:
        """Empty: the lab has no .NET stack."""
        return ""

    @prop("HelpLink")
    def help_link(self) -> None:
        """Never set."""

    @prop("TargetSite")
    def target_site(self) -> None:
        """Never set."""

    @prop("Data")
    def user_values(self) -> list[Any]:
        """Never filled."""
        return []

    @method("GetBaseException")
    def base_exception(self) -> ExceptionObject:
        """The innermost cause."""
        error = self.error
        while error.inner:
            error = error.inner
        return ExceptionObject(error)

    def ps_get(self, name: str) -> Any:
        """HResult of a COM exception is ErrorCode; `HResult` itself is protected in .NET 2.0 (absent)."""
        if name.lower() == "errorcode" and any("ExternalException" in base for base in (self.TYPE, *self.BASES)):
            return self.error.hresult
        extra = getattr(self.error, "members", {})
        if name.lower() in extra:
            return extra[name.lower()]
        return super().ps_get(name)

    def ps_string(self) -> str:
        """Type and message, as Exception.ToString()."""
        text = f"{self.TYPE}: {self.error.message}"
        return f"{text} ---> {ExceptionObject(self.error.inner).ps_string()}" if self.error.inner else text


_CATEGORIES = (
    "NotSpecified OpenError CloseError DeviceError DeadlockDetected InvalidArgument InvalidData InvalidOperation "
    "InvalidResult InvalidType MetadataError NotImplemented NotInstalled ObjectNotFound OperationStopped "
    "OperationTimeout SyntaxError ParserError PermissionDenied ResourceBusy ResourceExists ResourceUnavailable "
    "ReadError WriteError FromStdErr SecurityError"
)
ERROR_CATEGORY = EnumKind(
    "System.Management.Automation.ErrorCategory", {name: number for number, name in enumerate(_CATEGORIES.split())}
)


class CategoryInfo(ClrObject):
    """`$_.CategoryInfo`."""

    TYPE = "System.Management.Automation.ErrorCategoryInfo"

    def __init__(self, category: str, activity: str, reason: str, target: str, target_type: str) -> None:
        """The five texts of a category."""
        self.texts = {
            "Category": category,
            "Activity": activity,
            "Reason": reason,
            "TargetName": target,
            "TargetType": target_type,
        }

    def ps_properties(self) -> list[str]:
        """The five names."""
        return list(self.texts)

    def ps_get(self, name: str) -> Any:
        """One of the five; Category is an enumeration value."""
        if name.lower() == "category":
            return ERROR_CATEGORY.find(self.texts["Category"])
        for key, text in self.texts.items():
            if key.lower() == name.lower():
                return text
        raise MissingMember(name)

    def ps_string(self) -> str:
        """`Category: (target:type) [activity], reason`."""
        texts = self.texts
        return (
            f"{texts['Category']}: ({texts['TargetName']}:{texts['TargetType']}) "
            f"[{texts['Activity']}], {texts['Reason']}"
        )


class InvocationInfo(ClrObject):
    """`$_.InvocationInfo` and `$MyInvocation`."""

    TYPE = "System.Management.Automation.InvocationInfo"

    def __init__(self, name: str = "", line: int = 0, text: str = "", script: str = "") -> None:
        """Where a command was called: its name, line, source line and script file."""
        self.name, self.line_number, self.text, self.script = name, line, text, script

    @prop("InvocationName")
    def invocation_name(self) -> str:
        """What the command was called as."""
        return self.name

    @prop("MyCommand")
    def my_command(self) -> Any:
        """The command's name and definition, as a bag."""
        from agent.lab.powershell.bag import CustomObject

        return CustomObject({"Name": self.name, "Path": self.script, "Definition": self.text})

    @prop("ScriptLineNumber")
    def script_line_number(self) -> int:
        """1-based."""
        return self.line_number

    @prop("OffsetInLine")
    def offset_in_line(self) -> int:
        """Not tracked: 1."""
        return 1

    @prop("Line")
    def line(self) -> str:
        """The source line."""
        return self.text

    @prop("ScriptName")
    def script_name(self) -> str:
        """The script file, empty for text that was sent."""
        return self.script

    @prop("PositionMessage")
    def position_message(self) -> str:
        """The `At line:` text of 2.0."""
        return f"\nAt line:{self.line_number} char:1\n+ {self.text.strip()}"


def let_go(error: Terminate | ClrError) -> None:
    """Drop the Python frames that a caught error and its causes hold: they hold all that was worked on, in a circle."""
    held: ClrError | None = error.record.error if isinstance(error, Terminate) else error
    error.__traceback__ = error.__cause__ = error.__context__ = None
    while held is not None:
        held.__traceback__ = held.__cause__ = held.__context__ = None
        held = held.inner


class ErrorRecord(ClrObject):
    """`$_` in a catch, an item of `$Error`, an error on the wire."""

    TYPE = "System.Management.Automation.ErrorRecord"

    def __init__(
        self,
        error: ClrError,
        error_id: str = "",
        category: str = "NotSpecified",
        target: Any = None,
        *,
        activity: str = "",
        line: int = 0,
        text: str = "",
    ) -> None:
        """`error_id` is FullyQualifiedErrorId; `line` and `text` say where."""
        self.error = error
        self.error_id = error_id or error.type_name.rpartition(".")[2]
        self.category = category
        self.target = target
        self.activity = activity
        self.where = InvocationInfo(activity, line, text)
        self.details: str | None = None

    def about(self, error: ClrError) -> ErrorRecord:
        """The same record with another exception in the chain as its Exception, as a typed catch sees it."""
        copy = ErrorRecord(error, self.error_id, self.category, self.target, activity=self.activity)
        copy.where, copy.details = self.where, self.details
        return copy

    @property
    def message(self) -> str:
        """What the operator reads."""
        return self.details or self.error.message

    @prop("Exception")
    def exception(self) -> ExceptionObject:
        """The exception."""
        return ExceptionObject(self.error)

    @prop("TargetObject")
    def target_object(self) -> Any:
        """What it was about."""
        return self.target

    @prop("FullyQualifiedErrorId")
    def fully_qualified_error_id(self) -> str:
        """The identifier a script may compare."""
        return self.error_id

    @prop("CategoryInfo")
    def category_info(self) -> CategoryInfo:
        """Category, activity, reason, target."""
        reason = self.error.type_name.rpartition(".")[2]
        from agent.lab.powershell.text import to_string  # it knows of bags, which know of objects

        target = to_string(self.target)
        kind = "" if self.target is None else _short_type(self.target)
        return CategoryInfo(self.category, self.activity, reason, target, kind)

    @prop("ErrorDetails")
    def error_details(self) -> Any:
        """$null unless a cmdlet gave its own text."""
        return self.details

    @prop("InvocationInfo")
    def invocation_info(self) -> InvocationInfo:
        """Where."""
        return self.where

    @prop("PSMessageDetails")
    def message_details(self) -> None:
        """Never set."""

    def ps_string(self) -> str:
        """The message."""
        return self.message


def _short_type(value: Any) -> str:
    if isinstance(value, ClrObject):
        return value.TYPE.rpartition(".")[2]
    return {str: "String", int: "Int32", bool: "Boolean", float: "Double", list: "Object[]"}.get(type(value), "Object")


class Terminate(Exception):  # noqa: N818 - carries a record up to a catch, a trap or the top
    """A terminating error on its way up."""

    def __init__(self, record: ErrorRecord, *, thrown: bool = False, final: bool = False) -> None:
        """`thrown`: by `throw`. `final`: by ErrorAction Stop; no statement above may swallow it, only catch or trap."""
        super().__init__(record.message)
        self.record = record
        self.thrown = thrown
        self.final = final
        self.noted = False
