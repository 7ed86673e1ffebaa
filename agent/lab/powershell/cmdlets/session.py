"""Owns the cmdlets about the session itself: variables, aliases, strict mode, running text, finding commands."""

from __future__ import annotations

from typing import Any

from agent.lab.powershell import failures
from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import ALIASES, CMDLETS, Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.known import CMDLETS_2_0
from agent.lab.powershell.matching import like
from agent.lab.powershell.native import program_name
from agent.lab.powershell.scope import MISSING, Scope
from agent.lab.powershell.scriptblock import Function, ScriptBlock
from agent.lab.powershell.stages import FunctionStage
from agent.lab.powershell.text import to_string

_NAME = Parameter("Name", "String[]", position=0, mandatory=True, by_property=True)


def _scope(invocation: Invocation) -> Scope:
    """The scope that -Scope names: Global, Script, Local or a number of steps up."""
    scope = invocation.context.scope
    name = to_string(invocation["Scope"]).lower()
    if name in ("", "local", "private"):
        return scope
    if name == "global":
        return scope.root()
    if name == "script":
        return scope.script()
    if not name.isdigit():
        raise ClrError(f"The scope '{name}' is not valid.", "System.Management.Automation.PSArgumentException")
    for _ in range(int(name)):
        scope = scope.parent or scope
    return scope


_SCOPE = Parameter("Scope", "String")


@cmdlet(
    "Get-Variable",
    [Parameter("Name", "String[]", position=0), Parameter("ValueOnly", "Switch"), _SCOPE],
    aliases=("gv",),
)
def get_variable(invocation: Invocation) -> None:
    """Variables by name; one that is not there is an error."""
    scope = _scope(invocation)
    for name in invocation["Name"] or ["*"]:
        if any(char in name for char in "*?["):
            raise Refused("Get-Variable with a wildcard")
        held = scope.values.get(name.lower(), MISSING) if "Scope" in invocation else scope.find(name.lower())
        if held is MISSING:
            held = invocation.engine.automatic(name.lower(), invocation.context)
        if held is MISSING:
            invocation.error(
                ClrError(
                    f"Cannot find a variable with name '{name}'.", "System.Management.Automation.ItemNotFoundException"
                ),
                "VariableNotFound",
                "ObjectNotFound",
                name,
            )
        else:
            invocation.write(held if invocation.switch("ValueOnly") else CustomObject({"Name": name, "Value": held}))


def _put(invocation: Invocation, name: str, value: Any) -> None:
    scope = _scope(invocation)
    forced = invocation.switch("Force")
    if name.lower() in scope.options and not (forced and scope.options[name.lower()] == "ReadOnly"):
        raise ClrError(
            f"Cannot overwrite variable {name} because it is read-only or constant.",
            "System.Management.Automation.SessionStateUnauthorizedAccessException",
        )
    scope.values[name.lower()] = value
    option = to_string(invocation["Option"]).lower()
    if option in ("readonly", "constant"):
        scope.options[name.lower()] = "ReadOnly" if option == "readonly" else "Constant"
    elif option not in ("", "none"):
        raise Refused(f"the variable option {option}")
    if invocation.switch("PassThru"):
        invocation.write(CustomObject({"Name": name, "Value": value}))


_OPTIONS = (
    Parameter("Option", "String"),
    Parameter("Force", "Switch"),
    Parameter("PassThru", "Switch"),
    Parameter("Description", "String"),
    _SCOPE,
)


@cmdlet("Set-Variable", [_NAME, Parameter("Value", position=1, by_value=True), *_OPTIONS], aliases=("sv", "set"))
def set_variable(invocation: Invocation) -> None:
    """Set by name."""
    for name in invocation["Name"]:
        _put(invocation, name, invocation["Value"])


@cmdlet(
    "New-Variable",
    [Parameter("Name", "String", position=0, mandatory=True), Parameter("Value", position=1, by_value=True), *_OPTIONS],
    aliases=("nv",),
)
def new_variable(invocation: Invocation) -> None:
    """Make one; it must not be there yet."""
    name = invocation["Name"]
    if name.lower() in _scope(invocation).values and not invocation.switch("Force"):
        text = f"A variable with name '{name}' already exists."
        invocation.error(
            ClrError(text, "System.Management.Automation.SessionStateException"), "VariableAlreadyExists",
            "ResourceExists", name,
        )  # fmt: skip
        return
    _put(invocation, name, invocation["Value"])


@cmdlet("Remove-Variable", [_NAME, Parameter("Force", "Switch"), _SCOPE], aliases=("rv",))
def remove_variable(invocation: Invocation) -> None:
    """Take variables away."""
    for name in invocation["Name"]:
        scope = _scope(invocation)
        if scope.values.pop(name.lower(), MISSING) is MISSING:
            text = f"Cannot find a variable with name '{name}'."
            invocation.error(
                ClrError(text, "System.Management.Automation.ItemNotFoundException"), "VariableNotFound",
                "ObjectNotFound", name,
            )  # fmt: skip
        scope.types.pop(name.lower(), None)
        scope.options.pop(name.lower(), None)


@cmdlet("Clear-Variable", [_NAME, Parameter("Force", "Switch"), _SCOPE], aliases=("clv",))
def clear_variable(invocation: Invocation) -> None:
    """Make them $null."""
    for name in invocation["Name"]:
        _scope(invocation).assign(name.lower(), None, invocation.engine)


@cmdlet("Set-StrictMode", [Parameter("Version", "String"), Parameter("Off", "Switch")])
def set_strict_mode(invocation: Invocation) -> None:
    """Version 1 and 2; Latest is 2 here."""
    version = to_string(invocation["Version"]).lower()
    scope = invocation.context.scope
    if invocation.switch("Off"):
        scope.strict = None
    elif version in ("1", "1.0"):
        scope.strict = "1.0"
    elif version in ("2", "2.0", "latest"):
        scope.strict = "2.0"
    else:
        raise Refused(f"Set-StrictMode -Version {version}")


@cmdlet(
    "Invoke-Expression", [Parameter("Command", "String", position=0, mandatory=True, by_value=True)], aliases=("iex",)
)
def invoke_expression(invocation: Invocation) -> None:
    """Run a text in the caller's scope."""
    code = invocation.engine.compile(invocation["Command"])
    ScriptBlock(code).run_here(invocation.context, invocation.write)


@cmdlet(
    "Invoke-Command",
    [
        Parameter("ScriptBlock", position=0, mandatory=True, aliases=("Command",)),
        Parameter("ArgumentList", "Object[]", aliases=("Args",)),
        Parameter("InputObject", by_value=True),
        Parameter("ComputerName", "String[]", aliases=("Cn",)),
        Parameter("Session"),
        Parameter("Credential"),
        Parameter("NoNewScope", "Switch"),
    ],
    aliases=("icm",),
)
def invoke_command(invocation: Invocation) -> None:
    """Run a block here; a further machine cannot be reached from a session (domain 6.6)."""
    if any(name in invocation for name in ("ComputerName", "Session", "Credential")):
        raise Refused("Invoke-Command to another machine")
    block = invocation["ScriptBlock"]
    if not isinstance(block, ScriptBlock):
        raise ClrError("Cannot bind parameter 'ScriptBlock'.", "System.Management.Automation.ParameterBindingException")
    stage = FunctionStage(
        invocation.context, Function("", block.code), invocation["ArgumentList"] or [], invocation.write
    )
    stage.begin()
    stage.process(invocation.bound.get("inputobject", MISSING))
    stage.end()


@cmdlet(
    "Get-Command",
    [
        Parameter("Name", "String[]", position=0, by_value=True),
        Parameter("CommandType", "String", aliases=("Type",)),
        Parameter("Module", "String[]"),
        Parameter("Verb", "String[]"),
        Parameter("Noun", "String[]"),
        Parameter("ArgumentList", "Object[]"),
        Parameter("Syntax", "Switch"),
        Parameter("TotalCount", "Int32"),
    ],
    aliases=("gcm",),
)
def get_command(invocation: Invocation) -> None:
    """What a name means; one that means nothing is an error."""
    if any(name in invocation for name in ("Module", "Verb", "Noun", "Syntax", "TotalCount", "ArgumentList")):
        raise Refused("Get-Command with these parameters")
    for name in invocation["Name"] or ["*"]:
        found = _commands(invocation, name)
        if "CommandType" in invocation:
            wanted = {part.strip().lower() for part in invocation["CommandType"].split(",")}
            found = [(kind, shown) for kind, shown in found if kind.lower() in wanted or "all" in wanted]
        for kind, shown in found:
            invocation.write(CustomObject({"CommandType": kind, "Name": shown, "Definition": shown}))
        if not found and not any(char in name for char in "*?["):
            invocation.error(_not_found(name), "CommandNotFoundException", "ObjectNotFound", name)


def _not_found(name: str) -> ClrError:
    return ClrError(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        "System.Management.Automation.CommandNotFoundException",
        bases=(failures.RUNTIME,),
    )


def _commands(invocation: Invocation, pattern: str) -> list[tuple[str, str]]:
    lower = pattern.lower()
    out: list[tuple[str, str]] = []
    aliases = {**ALIASES, **invocation.engine.aliases}
    out += [("Alias", name) for name in sorted(aliases) if like(name, lower)]
    scope: Scope | None = invocation.context.scope
    while scope is not None:
        out += [("Function", each.name) for key, each in scope.functions.items() if like(key, lower)]
        scope = scope.parent
    out += [("Cmdlet", each.name) for key, each in sorted(CMDLETS.items()) if like(key, lower)]
    if lower in CMDLETS_2_0 and lower not in CMDLETS:
        raise Refused(f"the cmdlet {pattern}")
    program = program_name(lower)
    if program in invocation.engine.machine.programs:
        out.append(("Application", program + ".exe"))
    return out


@cmdlet(
    "Set-Alias",
    [
        Parameter("Name", "String", position=0, mandatory=True),
        Parameter("Value", "String", position=1, mandatory=True),
        Parameter("Scope", "String"),
        Parameter("Option", "String"),
        Parameter("Force", "Switch"),
        Parameter("Description", "String"),
        Parameter("PassThru", "Switch"),
    ],
    aliases=("sal",),
)
def set_alias(invocation: Invocation) -> None:
    """Another name for a command, for the whole session."""
    invocation.engine.aliases[invocation["Name"].lower()] = invocation["Value"]


CMDLETS["new-alias"] = CMDLETS["set-alias"]


@cmdlet("Get-Alias", [Parameter("Name", "String[]", position=0, by_value=True)], aliases=("gal",))
def get_alias(invocation: Invocation) -> None:
    """Aliases by name."""
    known = {**ALIASES, **invocation.engine.aliases}
    for name in invocation["Name"] or ["*"]:
        found = [key for key in sorted(known) if like(key, name)]
        for key in found:
            invocation.write(CustomObject({"CommandType": "Alias", "Name": key, "Definition": known[key]}))
        if not found:
            text = f"Cannot find an alias because alias '{name}' does not exist."
            invocation.error(
                ClrError(text, "System.Management.Automation.ItemNotFoundException"), "ItemNotFoundException",
                "ObjectNotFound", name,
            )  # fmt: skip


@cmdlet("Get-ExecutionPolicy", [Parameter("Scope", "String"), Parameter("List", "Switch")])
def get_execution_policy(invocation: Invocation) -> None:
    """What the machines of the lab are set to."""
    if invocation.switch("List"):
        raise Refused("Get-ExecutionPolicy -List")
    invocation.write("RemoteSigned")


@cmdlet("Get-Host")
def get_host(invocation: Invocation) -> None:
    """$Host."""
    invocation.write(invocation.engine.automatic("host", invocation.context))
