"""Owns ForEach-Object, Where-Object, Tee-Object and Out-Null."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter
from agent.lab.powershell.conversion import to_bool
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import NOTHING, Invocation
from agent.lab.powershell.registering import staged
from agent.lab.powershell.scriptblock import ScriptBlock

_INPUT = Parameter("InputObject", by_value=True)


def _blocks(invocation: Invocation) -> tuple[list[ScriptBlock], list[ScriptBlock], list[ScriptBlock]]:
    """Begin, process and end blocks; of several positional ones the first is begin and the last end (2.0)."""
    given = invocation["Process"]
    process = given if isinstance(given, list) else [given]
    begin, end = _listed(invocation["Begin"]), _listed(invocation["End"])
    for block in (*process, *begin, *end):
        if not isinstance(block, ScriptBlock):
            raise ClrError(
                "Cannot bind parameter 'Process'. Cannot convert the value to type "
                '"System.Management.Automation.ScriptBlock".',
                "System.Management.Automation.ParameterBindingException",
                bases=("System.Management.Automation.RuntimeException",),
            )
    if len(process) > 1 and not begin:
        begin, process = process[:1], process[1:]
    if len(process) > 1 and not end:
        process, end = process[:-1], process[-1:]
    return begin, process, end


def _listed(held: Any) -> list[ScriptBlock]:
    if held is None:
        return []
    return held if isinstance(held, list) else [held]


def _begin(invocation: Invocation) -> None:
    for part in ("Process",):
        extra = [invocation[name] for name in ("Second", "Third") if invocation[name] is not None]
        if extra:
            invocation.bound[part.lower()] = [invocation[part], *extra]
    begin, process, end = _blocks(invocation)
    invocation.state.update(process=process, end=end)
    for block in begin:
        block.run_here(invocation.context, invocation.write)


@staged(
    "ForEach-Object",
    [
        Parameter("Process", position=0, mandatory=True),
        Parameter("Second", position=1),
        Parameter("Third", position=2),
        Parameter("Begin"),
        Parameter("End"),
        _INPUT,
    ],
    begin=_begin,
    end=lambda invocation: _run_all(invocation, invocation.state["end"]),
    aliases=("%", "foreach"),
)
def for_each(invocation: Invocation) -> None:
    """Run the block for each object, in the caller's scope."""
    item = invocation.bound.get("inputobject", NOTHING)
    for block in invocation.state["process"]:
        invocation.engine.check()
        block.run_here(invocation.context, invocation.write, None if item is NOTHING else item)


def _run_all(invocation: Invocation, blocks: list[ScriptBlock]) -> None:
    for block in blocks:
        block.run_here(invocation.context, invocation.write)


@staged(
    "Where-Object",
    [Parameter("FilterScript", position=0, mandatory=True), _INPUT],
    aliases=("?", "where"),
)
def where(invocation: Invocation) -> None:
    """Pass on what the block finds true."""
    block = invocation["FilterScript"]
    if not isinstance(block, ScriptBlock):
        raise Refused("Where-Object with a property name (3.0); write { $_.Name -eq 'x' }")
    if "InputObject" not in invocation:
        return
    item = invocation["InputObject"]
    kept = invocation.call(block, underscore=item)
    if to_bool(kept):
        invocation.write(item)


@staged("Out-Null", [_INPUT])
def out_null(invocation: Invocation) -> None:
    """Drop it."""


def _tee_begin(invocation: Invocation) -> None:
    if "FilePath" in invocation:
        raise Refused("Tee-Object -FilePath")
    invocation.state["kept"] = []


def _tee_end(invocation: Invocation) -> None:
    kept = invocation.state["kept"]
    held = kept[0] if len(kept) == 1 else kept
    invocation.context.scope.values[invocation["Variable"].lower()] = held


@staged(
    "Tee-Object",
    [Parameter("FilePath", "String", position=0), Parameter("Variable", "String"), _INPUT],
    begin=_tee_begin,
    end=_tee_end,
    aliases=("tee",),
)
def tee(invocation: Invocation) -> None:
    """Pass on and keep in a variable."""
    if "InputObject" in invocation:
        invocation.state["kept"].append(invocation["InputObject"])
        invocation.write(invocation["InputObject"])
