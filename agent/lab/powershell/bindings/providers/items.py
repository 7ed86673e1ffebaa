"""Owns Get-Item, Get-ChildItem, New-Item, Remove-Item, Copy-Item, Move-Item, Rename-Item and Test-Path."""

from __future__ import annotations

import ntpath
from typing import Any

from agent.lab.powershell.bindings.confirm import CONFIRM, proceed
from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.information import copy_file
from agent.lab.powershell.bindings.providers.paths import (
    Place,
    each_place,
    expand,
    given_paths,
    place,
    report,
)
from agent.lab.powershell.bindings.wildcard import fits
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation

PATH = Parameter("Path", "String[]", 0, by_value=True, by_property=True)
LITERAL = Parameter("LiteralPath", "String[]", by_property=True, aliases=("PSPath",))
FILTERS = (
    Parameter("Filter", "String"),
    Parameter("Include", "String[]"),
    Parameter("Exclude", "String[]"),
    Parameter("Force", "Switch"),
    Parameter("Credential", "Object"),
)


def kept(invocation: Invocation, leaf: str) -> bool:
    """Whether -Filter, -Include and -Exclude let an item pass."""
    include, exclude, pattern = invocation["Include"], invocation["Exclude"], invocation["Filter"]
    if pattern and not fits(str(pattern), leaf):
        return False
    if include and not any(fits(str(each), leaf) for each in include):
        return False
    return not any(fits(str(each), leaf) for each in exclude or ())


@cmdlet("Get-Item", (PATH, LITERAL, *FILTERS), aliases=("gi",))
def get_item(invocation: Invocation) -> None:
    """The item's object."""
    each_place(invocation, lambda found: _write(invocation, found))


def _write(invocation: Invocation, found: Place, text: str | None = None) -> None:
    if kept(invocation, found.leaf):
        item = found.provider.item(invocation.engine, found.path, text)
        invocation.write_all(item if isinstance(item, list) else [item])


@cmdlet(
    "Get-ChildItem",
    (PATH, LITERAL, *FILTERS, Parameter("Recurse", "Switch"), Parameter("Name", "Switch")),
    aliases=("gci", "dir", "ls"),
)
def get_child_item(invocation: Invocation) -> None:
    """What an item contains; a file gives itself."""
    if "Path" not in invocation and "LiteralPath" not in invocation:
        invocation.bound["path"] = [invocation.engine.location]
    each_place(invocation, lambda found: _children(invocation, found, ""))


def _children(invocation: Invocation, found: Place, prefix: str) -> None:
    engine, provider = invocation.engine, found.provider
    if not provider.is_container(engine, found.path):
        _write(invocation, found)
        return
    for path in provider.children(engine, found.path):
        engine.check()
        leaf = ntpath.basename(path)
        if invocation.switch("Name"):
            if kept(invocation, leaf):
                invocation.write(prefix + leaf)
        else:
            _write(invocation, Place(provider, path), leaf)
        if invocation.switch("Recurse") and provider.is_container(engine, path):
            _children(invocation, Place(provider, path), f"{prefix}{leaf}\\")


@cmdlet(
    "Test-Path",
    (
        PATH,
        LITERAL,
        Parameter("PathType", "String", aliases=("Type",)),
        Parameter("IsValid", "Switch"),
        *FILTERS,
    ),
)
def test_path(invocation: Invocation) -> None:
    """Whether the items exist; a drive that does not gives False."""
    for text, literal in given_paths(invocation):
        invocation.write(_is_there(invocation, text, literal))


def _is_there(invocation: Invocation, text: str, literal: bool) -> bool:
    engine = invocation.engine
    if not text:
        raise ClrError(
            "Cannot bind argument to parameter 'Path' because it is an empty string.",
            "System.Management.Automation.ParameterBindingException",
        )
    if invocation.switch("IsValid"):
        raise Refused("Test-Path -IsValid")
    try:
        found = [place(engine, text)] if literal else expand(engine, text)
    except ClrError:
        return False
    kind = str(invocation["PathType"] or "any").lower()
    return any(_is_kind(invocation, each, kind) for each in found if kept(invocation, each.leaf))


def _is_kind(invocation: Invocation, found: Place, kind: str) -> bool:
    engine = invocation.engine
    if not found.provider.exists(engine, found.path):
        return False
    container = found.provider.is_container(engine, found.path)
    return container if kind == "container" else not container if kind == "leaf" else True


@cmdlet(
    "New-Item",
    (
        Parameter("Path", "String[]", 0, by_property=True),
        Parameter("Name", "String", by_property=True),
        Parameter("ItemType", "String", by_property=True, aliases=("Type",)),
        Parameter("Value", "Object", by_value=True, by_property=True),
        Parameter("Force", "Switch"),
        Parameter("Credential", "Object"),
        *CONFIRM,
    ),
    aliases=("ni",),
)
def new_item(invocation: Invocation) -> None:
    """Make an item; one that exists is an error without -Force."""
    for text in invocation["Path"] or [invocation.engine.location]:
        path = f"{text}\\{invocation['Name']}" if invocation["Name"] else str(text)
        try:
            found = place(invocation.engine, path)
            if not proceed(invocation, "Create Item", f"Destination: {found.path}"):
                continue
            kind = str(invocation["ItemType"] or ("" if found.provider.name == "FileSystem" else "key"))
            made = found.provider.create(
                invocation.engine, found.path, kind, invocation["Value"], invocation.switch("Force")
            )
            invocation.write(made)
        except ClrError as error:
            report(invocation, error, path)


@cmdlet(
    "Remove-Item",
    (PATH, LITERAL, *FILTERS, Parameter("Recurse", "Switch"), *CONFIRM),
    aliases=("ri", "rm", "del", "erase", "rd", "rmdir"),
)
def remove_item(invocation: Invocation) -> None:
    """Delete items; a container with children only with -Recurse."""
    each_place(invocation, lambda found: _remove(invocation, found))


def _remove(invocation: Invocation, found: Place) -> None:
    engine, provider = invocation.engine, found.provider
    if not kept(invocation, found.leaf):
        return
    full = provider.is_container(engine, found.path) and provider.children(engine, found.path)
    if full and not invocation.switch("Recurse"):
        raise ClrError(  # the prompt cannot be answered in a session without a person
            f"The item at {found.path} has children and the Recurse parameter was not specified; Windows PowerShell is "
            "in NonInteractive mode. Read and Prompt functionality is not available.",
            "System.Management.Automation.PSInvalidOperationException",
            bases=("System.InvalidOperationException",),
        )
    if proceed(invocation, "Remove File", found.path):
        provider.remove(engine, found.path)


@cmdlet(
    "Copy-Item",
    (
        PATH,
        LITERAL,
        Parameter("Destination", "String", 1, by_property=True),
        *FILTERS,
        Parameter("Recurse", "Switch"),
        Parameter("Container", "Switch"),
        Parameter("PassThru", "Switch"),
        *CONFIRM,
    ),
    aliases=("cpi", "cp", "copy"),
)
def copy_item(invocation: Invocation) -> None:
    """Copy files."""

    def copy(found: Place) -> None:
        _copy(invocation, found)

    each_place(invocation, copy)


def _copy(invocation: Invocation, found: Place) -> str:
    engine = invocation.engine
    if found.provider.name != "FileSystem" or found.provider.is_container(engine, found.path):
        raise Refused(f"{invocation.name} of {found.path}")
    target = place(engine, invocation["Destination"] or engine.location).path
    if Disk(engine).is_directory(target):
        target = ntpath.join(target, found.leaf)
    if proceed(invocation, "Copy File", f"Item: {found.path} Destination: {target}"):
        copy_file(engine, found.path, target, True)
        if invocation.switch("PassThru"):
            invocation.write(found.provider.item(engine, target))
    return target


@cmdlet(
    "Move-Item",
    (
        PATH,
        LITERAL,
        Parameter("Destination", "String", 1, by_property=True),
        *FILTERS,
        Parameter("PassThru", "Switch"),
        *CONFIRM,
    ),
    aliases=("mi", "mv", "move"),
)
def move_item(invocation: Invocation) -> None:
    """Move files; the target must not exist."""

    def move(found: Place) -> None:
        target = place(invocation.engine, invocation["Destination"] or invocation.engine.location).path
        _refuse_existing(invocation, ntpath.join(target, found.leaf) if _is_folder(invocation, target) else target)
        _copy(invocation, found)
        if not invocation.switch("WhatIf"):
            Disk(invocation.engine).delete(found.path)

    each_place(invocation, move)


def _is_folder(invocation: Invocation, path: str) -> bool:
    return Disk(invocation.engine).is_directory(path)


def _refuse_existing(invocation: Invocation, path: str) -> None:
    if Disk(invocation.engine).files.exists(path):
        raise ClrError("Cannot create a file when that file already exists.\r\n", "System.IO.IOException")


@cmdlet(
    "Rename-Item",
    (
        Parameter("Path", "String", 0, mandatory=True, by_value=True, by_property=True, aliases=("PSPath",)),
        Parameter("NewName", "String", 1, mandatory=True, by_property=True),
        Parameter("Force", "Switch"),
        Parameter("PassThru", "Switch"),
        Parameter("Credential", "Object"),
        *CONFIRM,
    ),
    aliases=("rni", "ren"),
)
def rename_item(invocation: Invocation) -> None:
    """Give a file another name in the same directory."""

    def rename(found: Place) -> None:
        target = ntpath.join(found.parent, str(invocation["NewName"]))
        _refuse_existing(invocation, target)
        invocation.bound["destination"] = target
        _copy(invocation, found)
        if not invocation.switch("WhatIf"):
            Disk(invocation.engine).delete(found.path)

    each_place(invocation, rename)


def unrolled(value: Any) -> list[Any]:
    """A parameter that may be one or many, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
