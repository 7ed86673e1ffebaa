"""Owns the records of a pipeline's streams as PowerShell 2.0 puts them on the wire. [MS-PSRP] 2.2.3.15, 2.2.3.16

psrpcore's own record types leave out ToString and garble the category text, so the objects are laid out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from psrpcore.types import (
    CommandOrigin,
    CommandTypes,
    ErrorCategory,
    ProgressRecordMsg,
    ProgressRecordType,
    PSDict,
    PSInt,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    SessionStateEntryVisibility,
    add_note_property,
)

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord

ToWire = Callable[[Any], Any]

_SMA = "System.Management.Automation."
_DICTIONARY = (
    "System.Collections.Generic.Dictionary`2[[System.String, mscorlib, Version=2.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089],[System.Object, mscorlib, Version=2.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
_LIST = (
    "System.Collections.Generic.List`1[[System.Object, mscorlib, Version=2.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
_COUNTS = (
    "System.Collections.ObjectModel.ReadOnlyCollection`1[[System.Int32, mscorlib, Version=2.0.0.0, "
    "Culture=neutral, PublicKeyToken=b77a5c561934e089]]"
)


def informational(kind: str, text: str, script: str | None) -> PSObject:
    """A Debug, Verbose or Warning record; with `script` it carries where it came from."""
    names = [f"{_SMA}{kind}Record", f"{_SMA}InformationalRecord", "System.Object"]
    record = _object(names, text)
    _notes(record, InformationalRecord_Message=text, InformationalRecord_SerializeInvocationInfo=script is not None)
    if script is not None:
        _notes(
            record,
            InvocationInfo_BoundParameters=_typed(PSDict(), _DICTIONARY),
            InvocationInfo_CommandOrigin=CommandOrigin.Runspace,
            InvocationInfo_ExpectingInput=False,
            InvocationInfo_InvocationName="",
            InvocationInfo_Line="",
            InvocationInfo_OffsetInLine=PSInt(0),
            InvocationInfo_HistoryId=PSInt64(-1),
            InvocationInfo_PipelineIterationInfo=_typed(_counts(), "System.Int32[]", "System.Array"),
            InvocationInfo_PipelineLength=PSInt(1),
            InvocationInfo_PipelinePosition=PSInt(1),
            InvocationInfo_PositionMessage="",
            InvocationInfo_ScriptLineNumber=PSInt(0),
            InvocationInfo_ScriptName="",
            InvocationInfo_UnboundArguments=_typed(PSList(), _LIST),
            CommandInfo_CommandType=CommandTypes.Script,
            CommandInfo_Definition=script,
            CommandInfo_Name="",
            CommandInfo_Visibility=SessionStateEntryVisibility.Public,
            InformationalRecord_PipelineIterationInfo=_typed(_counts(), _COUNTS),
        )
    return record


def error(record: ErrorRecord, script: str, to_wire: ToWire, *, merged: bool = False) -> PSObject:
    """An error record; `merged` into the output stream it is marked so that a formatter knows it again."""
    category = record.category_info()
    wire = _object([f"{_SMA}ErrorRecord", "System.Object"], record.message)
    if merged:
        _notes(wire, writeErrorStream=True)
    _notes(
        wire,
        Exception=_exception(record.error),
        TargetObject=to_wire(record.target),
        FullyQualifiedErrorId=record.error_id,
        InvocationInfo=_invocation(record, script),
        ErrorCategory_Category=PSInt(_category_number(category.texts["Category"])),
        ErrorCategory_Activity=category.texts["Activity"],
        ErrorCategory_Reason=category.texts["Reason"],
        ErrorCategory_TargetName=category.texts["TargetName"],
        ErrorCategory_TargetType=category.texts["TargetType"],
        ErrorCategory_Message=category.ps_string(),
    )
    if record.details is not None:
        _notes(wire, ErrorDetails_Message=record.details, ErrorDetails_RecommendedAction="")
    _notes(wire, SerializeExtendedInfo=False, PSMessageDetails=None)
    return wire


def progress(record: Any) -> ProgressRecordMsg:
    """A progress record from Write-Progress; attributes missing from `record` take PowerShell's defaults."""
    kind = str(_field(record, "RecordType", "Processing"))
    return ProgressRecordMsg(
        Activity=str(_field(record, "Activity", "")),
        ActivityId=int(_field(record, "ActivityId", 0)),
        StatusDescription=str(_field(record, "StatusDescription", "")),
        CurrentOperation=_field(record, "CurrentOperation", None),
        ParentActivityId=int(_field(record, "ParentActivityId", -1)),
        PercentComplete=int(_field(record, "PercentComplete", -1)),
        Type=ProgressRecordType.Completed if kind == "Completed" else ProgressRecordType.Processing,
        SecondsRemaining=int(_field(record, "SecondsRemaining", -1)),
    )


def _field(record: Any, name: str, default: Any) -> Any:
    from agent.lab.powershell.clr import MissingMember

    try:
        value = record.ps_get(name)
    except MissingMember:
        return default
    return default if value is None else value


def _object(type_names: Iterable[str], text: str | None) -> PSObject:
    made = PSObject()
    made.PSObject.type_names = list(type_names)
    made.PSObject.to_string = text  # type: ignore[assignment] # psrpcore: None means no ToString
    return made


def _notes(target: PSObject, **values: Any) -> None:
    for name, value in values.items():
        add_note_property(target, name, value)


def _typed(value: Any, *names: str) -> Any:
    value.PSObject.type_names = [*names, "System.Object"]
    return value


def _counts() -> PSList:
    return PSList([PSInt(0), PSInt(0)])


def _adapted(target: PSObject, **values: Any) -> None:
    for name, value in values.items():
        target.PSObject.adapted_properties.append(PSNoteProperty(name, value=value))


def _exception(fault: ClrError) -> PSObject:
    bases = () if fault.type_name == "System.Exception" else fault.bases
    names = dict.fromkeys((fault.type_name, *bases, "System.Exception", "System.Object"))
    made = _object(names, f"{fault.type_name}: {fault.message}")
    _adapted(
        made,
        Message=fault.message,
        Data=_typed(PSDict(), "System.Collections.ListDictionaryInternal"),
        InnerException=_exception(fault.inner) if fault.inner else None,
        TargetSite=None,
        StackTrace=None,
        HelpLink=None,
        Source=None,
    )
    if any("ExternalException" in name for name in made.PSObject.type_names):
        _adapted(made, ErrorCode=PSInt(_signed(fault.hresult)))
    return made


def _signed(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - 2**32 if number >= 2**31 else number


def _invocation(record: ErrorRecord, script: str) -> PSObject:
    where = record.where
    name = f"{_SMA}InvocationInfo"
    made = _object([name, "System.Object"], name)
    _adapted(
        made,
        MyCommand=where.name or script,
        BoundParameters=_typed(PSDict(), _DICTIONARY),
        UnboundArguments=_typed(PSList(), _LIST),
        ScriptLineNumber=PSInt(where.line_number),
        OffsetInLine=PSInt(1 if where.line_number else 0),
        HistoryId=PSInt64(-1),
        ScriptName=where.script,
        Line=where.text,
        PositionMessage=where.position_message() if where.line_number else "",
        InvocationName=where.name,
        PipelineLength=PSInt(1),
        PipelinePosition=PSInt(1),
        ExpectingInput=False,
        CommandOrigin="Internal" if where.line_number else "Runspace",
    )
    return made


def _category_number(name: str) -> int:
    try:
        return int(ErrorCategory[name].value)
    except KeyError:
        return int(ErrorCategory.NotSpecified.value)
