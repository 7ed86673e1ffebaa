"""Owns script blocks and functions as values, and running them outside a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrObject, method
from agent.lab.powershell.errors import Refused, ReturnFlow
from agent.lab.powershell.parameters import ParameterSpec
from agent.lab.powershell.scope import MISSING, Context

if TYPE_CHECKING:
    Run = Callable[[Context, Callable[[Any], None]], None]


@dataclass(slots=True)
class BlockCode:
    """A compiled block: parameters and the three parts."""

    parameters: list[ParameterSpec]
    begin: Run | None
    process: Run | None
    end: Run | None
    text: str
    advanced: bool = False
    named: bool = False  # written with begin, process or end


@dataclass(frozen=True, slots=True)
class Function:
    """A function under its name."""

    name: str
    code: BlockCode


class ScriptBlock(ClrObject):
    """`{ ... }` as a value."""

    TYPE = "System.Management.Automation.ScriptBlock"

    def __init__(self, code: BlockCode) -> None:
        """`code` is shared by all values of the same literal."""
        self.code = code

    takes_context = True  # members.call_member gives call_in the caller's context

    def call_in(self, context: Context, name: str, arguments: Sequence[Any]) -> Any:
        """Invoke() and InvokeReturnAsIs() run the block; the other methods are as everywhere."""
        lower = name.lower()
        if lower == "invoke":
            return self.collect(context, arguments)
        if lower == "invokereturnasis":
            items = self.collect(context, arguments)
            return items[0] if len(items) == 1 else items or None
        return self.ps_call(name, arguments)

    def ps_string(self) -> str:
        """The text between the braces."""
        return self.code.text

    @method("ToString")
    def text(self) -> str:
        """The text between the braces."""
        return self.code.text

    @method("GetNewClosure")
    def closure(self) -> Any:
        """Not supported."""
        raise Refused("GetNewClosure()")

    def run_here(self, context: Context, write: Callable[[Any], None], underscore: Any = MISSING) -> None:
        """Run the block's body in the context's own scope, as ForEach-Object and Where-Object do."""
        values = context.scope.values
        before = values.get("_", MISSING)
        if underscore is not MISSING:
            values["_"] = underscore
        try:
            for part in (self.code.begin, self.code.process, self.code.end):
                if part is not None:
                    part(context, write)
        except ReturnFlow:
            pass
        finally:
            if before is MISSING:
                values.pop("_", None)
            else:
                values["_"] = before

    def collect(self, context: Context, arguments: Sequence[Any], *, underscore: Any = MISSING) -> list[Any]:
        """Run it in a scope of its own with arguments, and gather the output."""
        from agent.lab.powershell.stages import FunctionStage

        items: list[Any] = []
        stage = FunctionStage(context, Function("", self.code), [(None, held) for held in arguments], items.append)
        if underscore is not MISSING:
            stage.scope.values["_"] = underscore
        stage.begin()
        stage.process(MISSING)
        stage.end()
        return items
