"""Owns the rules for scripts that only read: what is not known to be harmless is refused.

Every list here names what may be used; a new construct is refused until someone has thought about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from agent.lint.commands import table
from agent.lint.objection import Objection, Rule, at
from agent.lint.style import program
from agent.lint.tree import Script, arguments, bare, child, command_name, literal, member, static_type, walk, words


def listed(names: str) -> frozenset[str]:
    """The names of a list, lower-case."""
    return frozenset(names.split())


VERBS = listed("get convertto convertfrom select sort group measure compare where foreach join split resolve convert")
CMDLETS = listed(
    "new-object new-timespan test-path out-null out-string start-sleep write-output write-verbose write-warning "
    "write-debug write-error"
)
"""Cmdlets outside VERBS that leave nothing behind."""

PROGRAMS = {"iisreset.exe": ("/status",)}
"""Native programs that only ask, with the exact arguments (ms525497: Status returns the services' status)."""

TYPES = listed(
    "psobject io.streamreader text.stringbuilder security.principal.windowsprincipal "
    "directoryservices.directorysearcher"
)
"""What New-Object may make."""

METHODS = listed(
    "tostring trim trimstart trimend contains containskey startswith endswith indexof lastindexof substring split "
    " tolower toupper equals gettype getbaseexception getvalues getresponse getresponsestream "
    "read readtoend close append addseconds addminutes adddays touniversaltime tolocaltime isinrole findall findone "
    "getinfo refreshcache refresh"
)
INVOKED = frozenset({"getpropertyattribobj", "getdatapaths"})
"""What may be asked of an IIS object with psbase.Invoke (domain 2.3)."""

STATIC = listed(
    "io.file::exists io.file::readalltext io.file::readalllines io.file::getlastwritetimeutc io.directory::exists "
    "io.directory::getfilesystementries directoryservices.directoryentry::exists net.webrequest::create "
    "net.dns::gethostentry net.dns::gethostaddresses security.principal.windowsidentity::getcurrent regex::escape "
    "regex::match regex::ismatch convert::tobase64string convert::toint32 datetime::parse math::floor math::max "
    "math::min math::round timespan::fromseconds string::join string::isnullorempty environment::getfolderpath"
)
CASTS = frozenset({"wmiclass", "wmi", "wmisearcher", "scriptblock"})
"""Type literals behind which anything may stand."""

SETTABLE = listed("timeout readwritetimeout allowautoredirect keepalive proxy useragent accept pagesize")
HTTP_METHODS = frozenset({"OPTIONS", "GET", "HEAD"})

STORING = listed("-outvariable -ov -errorvariable -ev -warningvariable -wv")
"""Parameters of every cmdlet that name a variable, which may be one of another drive: env:Path."""

_STEPS = (
    "post_increment_expression",
    "pre_increment_expression",
    "post_decrement_expression",
    "pre_decrement_expression",
)

ADVICE = "a script with effect: read must not; move it to one with effect: write"


def commands(script: Script) -> Iterator[Objection]:
    """Cmdlets that can change something, programs, and objects that can."""
    for command in script.of("command"):
        name = command_name(command).lower()
        if (run := program(command)) is not None:
            if PROGRAMS.get(run) != tuple(_texts(command)):
                yield at(command, "effect", f"runs {run}", ADVICE)
        elif name in table().names and name.split("-")[0] not in VERBS and name not in CMDLETS:
            yield at(command, "effect", f"{command_name(command)} can change the server", ADVICE)
        elif name == "new-object" and (made := _made(command)) not in TYPES:
            yield at(command, "effect", f"makes {made or 'an object of a computed type'}", ADVICE)


def calls(script: Script) -> Iterator[Objection]:
    """Methods that are not known to read only."""
    for node in script.of("invokation_expression"):
        called, name = static_type(node), member(node)
        if node.children[0].type == "type_literal":
            if f"{called}::{name}" not in STATIC:
                yield at(node, "effect", f"calls [{called}]::{name or '(computed)'}", ADVICE)
        elif name == "invoke":
            if _first(node).lower() not in INVOKED:
                yield at(node, "effect", f"invokes {_first(node) or 'a computed method'}", ADVICE)
        elif name not in METHODS:
            yield at(node, "effect", f"calls .{name or '(computed)'}()", ADVICE)
    for node in script.of("type_literal"):
        if words(node).strip("[]").lower().removeprefix("system.management.automation.") in CASTS:
            yield at(node, "effect", f"uses {words(node)}", ADVICE)


def assignments(script: Script) -> Iterator[Objection]:
    """Properties of objects, environment, files and functions as targets; the script's own hashtables are its own."""
    for node in script.of("assignment_expression", *_STEPS):
        for target in _targets(node):
            is_part = target.type in ("member_access", "element_access")
            if (is_part and not _is_own(script, target, node)) or (target.type == "variable" and ":" in words(target)):
                yield at(target, "effect", f"assigns {words(target)}", ADVICE)
    for node in script.of("foreach_statement", "script_parameter"):
        for target in node.children:
            if target.type == "variable" and ":" in words(target):
                yield at(target, "effect", f"assigns {words(target)}", ADVICE)
    for node in script.of("command"):
        for name, value in pairwise(arguments(node)):
            if words(name).lower() in STORING and ":" in (literal(value) or ":"):
                yield at(value, "effect", f"assigns {words(value)}", ADVICE)
    for node in script.of("variable"):
        if words(node).lower() == "$executioncontext":
            yield at(node, "effect", "uses $ExecutionContext", ADVICE)


def files(script: Script) -> Iterator[Objection]:
    """Redirection to anything but $null."""
    for node in script.of("redirection"):
        name = child(node, "redirected_file_name")
        if name is not None and words(name).strip().lower() != "$null":
            yield at(node, "effect", f"writes to {words(name).strip()}", ADVICE)


RULES: tuple[Rule, ...] = (commands, calls, assignments, files)


def _texts(command: Node) -> list[str]:
    """The arguments of a program: literal text; "?" for anything computed. Merged streams are no arguments."""
    given = [node for node in arguments(command) if node.type != "redirection"]
    return [literal(node) or "?" for node in given]


def _made(command: Node) -> str:
    """The literal type name given to New-Object; empty for a computed one, a COM object or none."""
    given = arguments(command)
    for name, value in pairwise(given):
        if words(name).lower() == "-typename":
            return (literal(value) or "").lower().removeprefix("system.")
    return ""


def _first(call: Node) -> str:
    """The first argument of a method call where it is literal text."""
    given = child(call, "argument_list")
    found = next((node for node in walk(given) if node.type == "string_literal"), None) if given is not None else None
    first = given.children[1] if given is not None and given.child_count > 2 else None
    if found is None or first is None or found.start_byte != first.start_byte:
        return ""
    return literal(found) or ""


def _targets(node: Node) -> Iterator[Node]:
    """The variables, members and elements that an assignment sets: `$a, $b.C = ...` sets two."""
    left = bare(node.children[1] if node.type.startswith("pre_") else node.children[0])
    if left.type == "expression_with_unary_operator":  # [int]$x = ...
        left = bare(left.children[-1].children[-1])
    parts = left.children if left.type == "array_literal_expression" else [left]
    return (bare(part) for part in parts)


def _is_own(script: Script, target: Node, assignment: Node) -> bool:
    """The target is part of a hashtable that the script made, or a harmless setting of a web request."""
    variable = bare(target.children[0])
    if variable.type == "variable" and script.assigned.get(words(variable).lower()) == {"hashtable"}:
        return True
    if target.type == "member_access" and member(target) == "method":
        return literal(assignment.children[-1]) in HTTP_METHODS
    return target.type == "member_access" and member(target) in SETTABLE
