"""Owns script blocks, functions and their parameters as they are declared."""

from __future__ import annotations

from agent.lab.powershell.compiling.dispatch import Run, Value, Write, child, need, value
from agent.lab.powershell.compiling.literals import type_text
from agent.lab.powershell.compiling.statements import block, statement_list
from agent.lab.powershell.masking import ScriptError
from agent.lab.powershell.parameters import ParameterSpec, Validation
from agent.lab.powershell.scope import Context
from agent.lab.powershell.scriptblock import BlockCode, Function
from agent.lab.powershell.source import Node, Source, parse

_ATTRIBUTES = {
    "parameter",
    "alias",
    "validateset",
    "validaterange",
    "validatelength",
    "validatepattern",
    "validatenotnull",
    "validatenotnullorempty",
    "validatecount",
    "validatescript",
    "allownull",
    "allowemptystring",
    "allowemptycollection",
}
_PARAMETER_KEYS = {
    "mandatory",
    "position",
    "valuefrompipeline",
    "valuefrompipelinebypropertyname",
    "valuefromremainingarguments",
    "helpmessage",
}


def script_code(text: str, name: str = "") -> BlockCode:
    """Compile a whole script; ScriptError where it does not parse."""
    source, root = parse(text)
    source.name = name
    listed = child(root, "statement_list")
    for each in listed.children if listed else ():
        if each.type == "pipeline" and _starts_block(each, source):
            raise ScriptError("a begin, process or end block at the top of a script", each.start_byte)
    parameters, advanced = _param_block(child(root, "param_block"), source)
    return BlockCode(parameters, None, None, statement_list(listed, source), text, advanced=advanced)


def _starts_block(node: Node, source: Source) -> bool:
    words = source.of(node).split(None, 1)
    return bool(words) and words[0].lower().rstrip("{") in ("begin", "process", "end", "dynamicparam")


def block_code(node: Node, source: Source) -> BlockCode:
    """Compile a `{ }` that is a script block."""
    text = source.of(node).strip()[1:-1]
    inner = child(node, "script_block")
    outer = child(node, "param_block")
    return _code(inner, outer, source, text)


def _code(inner: Node | None, outer: Node | None, source: Source, text: str) -> BlockCode:
    parameters, advanced = _param_block(outer or (child(inner, "param_block") if inner else None), source)
    body = child(inner, "script_block_body") if inner else None
    named = child(body, "named_block_list") if body else None
    if named is None:
        listed = child(body, "statement_list") if body else None
        _refuse_block_words(listed, source)
        return BlockCode(parameters, None, None, statement_list(listed, source), text, advanced=advanced)
    blocks: dict[str, Run] = {}
    for each in named.children:
        name = source.of(need(each, "block_name")).strip().lower()
        if name in blocks or name == "dynamicparam":
            raise ScriptError(f"the block {name}", each.start_byte)
        blocks[name] = block(each, source)
    return BlockCode(
        parameters, blocks.get("begin"), blocks.get("process"), blocks.get("end"), text, advanced=advanced, named=True
    )


def _refuse_block_words(listed: Node | None, source: Source) -> None:
    for each in listed.children if listed else ():
        if each.type == "pipeline" and _starts_block(each, source):
            raise ScriptError("a begin, process or end block that the grammar takes for a command", each.start_byte)


def _param_block(node: Node | None, source: Source) -> tuple[list[ParameterSpec], bool]:
    if node is None:
        return [], False
    attributes = child(node, "attribute_list")
    advanced = _is_advanced(attributes, source) if attributes else False
    specs = _parameters(child(node, "parameter_list"), source)
    return specs, advanced or any(spec.declared for spec in specs)


def _is_advanced(node: Node, source: Source) -> bool:
    for each in node.children:
        named = child(each, "attribute_name")
        name = source.of(named).strip().lower() if named else ""
        if name != "cmdletbinding":
            raise ScriptError(f"the attribute [{name}] in front of param", each.start_byte)
        given = child(each, "attribute_arguments")
        text = source.of(given).strip() if given else ""
        if (
            text
            and "=" in text
            and text.split("=")[0].strip().lower() not in ("confirmimpact", "supportsshouldprocess")
        ):
            raise ScriptError(f"[CmdletBinding({text})]", each.start_byte)
        if "supportsshouldprocess" in text.lower():
            raise ScriptError("SupportsShouldProcess", each.start_byte)
    return True


def _parameters(node: Node | None, source: Source) -> list[ParameterSpec]:
    return [_parameter(each, source) for each in node.children if each.type == "script_parameter"] if node else []


def _parameter(node: Node, source: Source) -> ParameterSpec:
    spec = ParameterSpec(source.of(need(node, "variable")).strip()[1:])
    attributes = child(node, "attribute_list")
    for each in attributes.children if attributes else ():
        named = child(each, "attribute_name")
        if named is None:
            spec.type_text = type_text(each, source)
        else:
            _attribute(spec, source.of(named).strip().lower(), each, source)
    default = child(node, "script_parameter_default")
    if default is not None:
        spec.default = value(default.children[1], source)
    return spec


def _attribute(spec: ParameterSpec, name: str, node: Node, source: Source) -> None:
    name = name.removeprefix("system.management.automation.").removesuffix("attribute")
    if name not in _ATTRIBUTES:
        raise ScriptError(f"the attribute [{name}] of a parameter", node.start_byte)
    listed = child(node, "attribute_arguments")
    arguments = [each for each in listed.children if each.type == "attribute_argument"] if listed else []
    if name == "parameter":
        spec.declared = True
        for each in arguments:
            _parameter_setting(spec, each, source)
    elif name == "alias":
        spec.alias_values.extend(value(each.children[0], source) for each in arguments)
    else:
        spec.validations.append(Validation(name, [_argument(each, source) for each in arguments]))


def _argument(node: Node, source: Source) -> Value:
    if node.child_count != 1:
        raise ScriptError("a named argument of a validation attribute", node.start_byte)
    return value(node.children[0], source)


def _parameter_setting(spec: ParameterSpec, node: Node, source: Source) -> None:
    key = source.of(node.children[0]).strip().lower()
    if key not in _PARAMETER_KEYS:
        raise ScriptError(f"the parameter attribute {key}", node.start_byte)
    if node.child_count == 1:
        raise ScriptError(f"[Parameter({key})] without a value is not in PowerShell 2.0", node.start_byte)
    spec.settings[key] = value(node.children[2], source)


def function_statement(node: Node, source: Source) -> Run:
    """Compile `function` and `filter`: running it defines it."""
    word = node.children[0].type.lower()
    if word not in ("function", "filter"):
        raise ScriptError(f"{word} is not in PowerShell 2.0", node.start_byte)
    name = source.of(need(node, "function_name")).strip()
    declared = child(node, "function_parameter_declaration")
    inner = child(node, "script_block")
    start = next(each for each in node.children if each.type == "{").end_byte
    code = _code(inner, None, source, source.text[start : node.end_byte - 1])
    if declared is not None:
        specs = _parameters(child(declared, "parameter_list"), source)
        code.parameters = specs
        code.advanced = any(spec.declared for spec in specs)
    if word == "filter" and not code.named:
        code.process, code.end = code.end, None
    return _define(name, code)


def _define(name: str, code: BlockCode) -> Run:
    prefix, colon, bare = name.rpartition(":")
    function = Function(bare, code)

    def define(context: Context, write: Write) -> None:
        scope = context.scope
        if prefix.lower() == "global":
            scope = scope.root()
        elif prefix.lower() == "script":
            scope = scope.script()
        scope.functions[bare.lower()] = function

    if colon and prefix.lower() not in ("global", "script", "local", "private"):
        raise ScriptError(f"the function name {name}", 0)
    return define
