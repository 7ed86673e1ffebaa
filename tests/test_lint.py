"""A script is PowerShell 2.0, plain, and honest about its effect, or the lint says where it is not and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.lint import Objection, lint, parameters
from agent.lint.tree import KINDS, Script, walk

HEADER = """# probe.ps1 - {effect}.
#
# What it does: nothing much.
# Arguments:    none.
# Answers:      nothing.
# Undo:         nothing to undo.

"""


def objections(body: str, *, reads: bool = True) -> list[Objection]:
    """What the lint says to a script with a proper header and first statement."""
    text = HEADER.format(effect="READS" if reads else "WRITES") + "$ErrorActionPreference = 'Stop'\n" + body + "\n"
    return list(lint(text, reads=reads))


def rules(body: str, *, reads: bool = True) -> set[str]:
    return {objection.rule for objection in objections(body, reads=reads)}


LATER = {
    "operator -in": "if ($a -in @(1, 2)) { 1 }",
    "operator -notin": "if ($a -notin @(1, 2)) { 1 }",
    "operator -shl": "$a -shl 2",
    "pscustomobject": "[pscustomobject]@{ Kind = 'x' }",
    "ordered": "$x = [ordered]@{ Kind = 'x' }",
    "::new": "[System.Text.StringBuilder]::new()",
    "Where-Object Prop -eq": "@(Get-Service) | Where-Object Name -eq 'W3SVC'",
    "ForEach-Object Prop": "@(Get-Service) | ForEach-Object Name",
    "class": "class Foo { [int]$x }",
    "enum": "enum Foo { A }",
    "&&": "Get-Date && Get-Date",
    "$PSItem": "@(1) | ForEach-Object { $PSItem }",
    "$using:": "$using:x",
    "$PSScriptRoot": "$PSScriptRoot",
    "*> redirection": "Get-Date *> $null",
    "IsNullOrWhiteSpace": "[string]::IsNullOrWhiteSpace($x)",
    "File.ReadLines": "[System.IO.File]::ReadLines($x)",
    "Mandatory without a value": "function Get-X { param([Parameter(Mandatory)]$Y)\n$Y }",
}


@pytest.mark.parametrize("body", LATER.values(), ids=LATER.keys())
def test_what_later_versions_brought_is_refused(body: str) -> None:
    assert "later" in rules(body)


COMMANDS = {
    "Get-CimInstance": "Get-CimInstance -ClassName 'Win32_Service'",
    "ConvertTo-Json": "ConvertTo-Json -InputObject $x",
    "an alias": "@(1) | % { $_ }",
    "a bare program": "hostname",
    "Get-WinEvent, absent from Server 2003": "Get-WinEvent -LogName 'Application'",
    "using module": "using module 'Foo'",
}


@pytest.mark.parametrize("body", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_that_a_server_2003_does_not_have_is_refused(body: str) -> None:
    assert "command" in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "Get-ChildItem -Path 'C:\\' -File",
        "Get-Process -IncludeUserName",
        "Get-Content -Path 'x' -Raw",
        "Get-Service -ComputerNam 'x'",
        "Get-Service 'W3SVC'",
        "function Get-X { param($Y)\n$Y }\nGet-X -Z 1",
    ],
)
def test_a_parameter_is_known_and_written_out(body: str) -> None:
    assert "parameter" in rules(body)


TRAPS = {
    "a range at the start": "1..3",
    "a size suffix at the start": "1KB",
    "no space before $null": "Get-Date 2>$null",
    "a method call as an argument": "Write-Output -InputObject $x.Trim(1)",
    "begin at the top": "begin { 1 }",
}


@pytest.mark.parametrize("body", TRAPS.values(), ids=TRAPS.keys())
def test_what_the_grammar_misreads_is_refused(body: str) -> None:
    assert "trap" in rules(body)


@pytest.mark.parametrize(
    "body",
    ["switch ($x) { 'a' { 1 } 'b' { 2 } }", "if ($x -lt 10MB) { 1 }", "$a ? 1 : 2", "$a ?? 2", "if ($x { 1 }"],
)
def test_what_the_grammar_cannot_read_is_refused(body: str) -> None:
    assert "syntax" in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "@(Get-Service).Name",
        "$all = @(Get-Service)\n$all.Name",
        "(Get-ChildItem -Path 'x').FullName",
        "(Get-Service | Where-Object { $_.Status }).Name",
    ],
)
def test_a_property_of_a_collection_is_refused(body: str) -> None:
    """2.0 has no member enumeration: the answer would be empty, not an error."""
    assert "collection" in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "$all = Get-Service\nif ($all.Count) { 1 }",
        "if ((Get-Service).Count) { 1 }",
        "foreach ($x in Get-Service) { $x }",
        "$all = Get-Service\nforeach ($x in $all) { $x }",
    ],
)
def test_the_result_of_a_command_is_counted_and_iterated_in_an_array_only(body: str) -> None:
    assert "count" in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "$all = @(Get-Service)\nif ($all.Count) { 1 }",
        "foreach ($x in @(Get-Service)) { $x.Name }",
        "$one = New-Object -TypeName 'System.Text.StringBuilder'\n$one.Length",
        "(Get-Service -Name 'W3SVC').Status",
        "@(Get-Service | Where-Object { $_.Name -eq 'W3SVC' } | ForEach-Object { $_.Name }) -join ' '",
        "$answer = @{ Kind = 'x' }\n$answer.Flags = 1\nNew-Object -TypeName 'PSObject' -Property $answer",
        "$x = [System.Net.WebRequest]::Create('http://a/')\n$x.Method = 'OPTIONS'\n$x.Timeout = 5",
        "$key = [ADSI]'IIS://localhost/W3SVC'\n$key.psbase.Invoke('GetDataPaths', 'AccessSSLFlags', 1)",
        "$ErrorActionPreference = 'Continue'\n& \"$env:SystemRoot\\system32\\iisreset.exe\" '/status' 2>&1",
    ],
)
def test_a_plain_script_that_reads_is_let_through(body: str) -> None:
    assert objections(body) == []


WRITES = {
    "Put": "$x.Put('AccessSSLFlags', 0)",
    "SetInfo": "$x.SetInfo()",
    "CommitChanges": "$x.psbase.CommitChanges()",
    "a property's value": "$x.psbase.Properties['AccessSSLFlags'].Value = 0",
    "an element": "$x['a'] = 1",
    "a counter of an object": "$x.Count++",
    "a counter that goes down": "$x.Count--",
    "a counter that goes down first": "--$x.Count",
    "the environment, item by item": "foreach ($env:Path in @('x')) { $y = 1 }",
    "the environment, by an output": "$y = Get-Item -Path 'x' -OutVariable 'env:Path'",
    "the environment, by errors": "$y = Get-Item -Path 'x' -EV 'env:Path'",
    "a variable of a computed name": "$y = Get-Item -Path 'x' -ErrorVariable $name",
    "one of two targets": "$a, $b.Value = 1, 2",
    "SaveData through Invoke": "$x.psbase.Invoke('SaveData')",
    "a computed Invoke": "$x.psbase.Invoke($name)",
    "a computed method": "$x.$name()",
    "Set-Service": "Set-Service -Name 'W3SVC' -StartupType 'Disabled'",
    "New-Item": "New-Item -Path 'x'",
    "Remove-Item": "Remove-Item -Path 'x'",
    "Start-Service": "Start-Service -Name 'W3SVC'",
    "Stop-Service": "Stop-Service -Name 'W3SVC'",
    "Start() of a service": "(Get-Service -Name 'W3SVC').Start()",
    "Out-File": "Get-Date | Out-File -FilePath 'x'",
    "Tee-Object": "Get-Date | Tee-Object -FilePath 'x'",
    "Export-Clixml": "Get-Date | Export-Clixml -Path 'x'",
    "File.WriteAllText": "[System.IO.File]::WriteAllText('x', 'y')",
    "File.Delete": "[IO.File]::Delete('x')",
    "a computed static method": "[System.IO.File]::$name('x')",
    "Win32_Process.Create": "Invoke-WmiMethod -Class 'Win32_Process' -Name 'Create' -ArgumentList 'x'",
    "[wmiclass]": "([wmiclass]'Win32_Process').Create('x')",
    "a COM object": "New-Object -ComObject 'WScript.Shell'",
    "a stream writer": "New-Object -TypeName 'System.IO.StreamWriter' -ArgumentList 'x'",
    "a computed type": "New-Object -TypeName $name",
    "a program": "$ErrorActionPreference = 'Continue'\n& 'reg.exe' 'add' 'x'",
    "iisreset without /status": "$ErrorActionPreference = 'Continue'\n& 'iisreset.exe' '/noforce'",
    "iisreset with a computed argument": "$ErrorActionPreference = 'Continue'\n& 'iisreset.exe' $what",
    "redirection to a file": "Get-Date > 'x'",
    "appending to a file": "Get-Date >> 'x'",
    "Invoke-Expression": "Invoke-Expression -Command $x",
    "a computed command": "& $x",
    "a sourced file": ". 'x.ps1'",
    "ScriptBlock.Create": "[scriptblock]::Create('x')",
    "$ExecutionContext": "$ExecutionContext.InvokeCommand.InvokeScript('x')",
    "the environment": "$env:PATH = 'x'",
    "a file by its variable": "${C:\\x.txt} = 'x'",
    "POST": "$x = [System.Net.WebRequest]::Create('http://a/')\n$x.Method = 'POST'",
    "inside a string": '"$($x.Delete())"',
    "inside a function": "function Get-X { $x.Delete() }\nGet-X",
    "inside a filter": "@(Get-Service) | Where-Object { $_.Stop() }",
}


@pytest.mark.parametrize("body", WRITES.values(), ids=WRITES.keys())
def test_a_script_that_reads_may_not_hold_anything_that_could_write(body: str) -> None:
    assert "effect" in rules(body) or "hidden" in rules(body)


@pytest.mark.parametrize("body", ["$x.SetInfo()", "Start-Service -Name 'W3SVC'", "[IO.File]::Delete('x')"])
def test_the_same_is_let_through_in_a_script_that_writes(body: str) -> None:
    assert objections(body, reads=False) == []


@pytest.mark.parametrize("body", ["Invoke-Expression -Command $x", "& $x", ". 'x.ps1'", "[scriptblock]::Create('x')"])
def test_no_script_may_hide_what_it_runs(body: str) -> None:
    assert "hidden" in rules(body, reads=False)


def test_a_program_runs_where_its_error_stream_does_not_end_the_script() -> None:
    alone = "& 'iisreset.exe' '/status' 2>&1"
    inside = "function Get-X {\n$ErrorActionPreference = 'Continue'\n& 'iisreset.exe' '/status' 2>&1\n}\nGet-X"
    elsewhere = "function Get-X {\n$ErrorActionPreference = 'Continue'\n}\n& 'iisreset.exe' '/status' 2>&1"

    assert "program" in rules(alone)
    assert "program" in rules(elsewhere)
    assert objections(inside) == []


def test_text_is_quoted() -> None:
    assert "quotes" in rules("Get-Service -Name W3SVC")


@pytest.mark.parametrize("body", ["Write-Host -Object 'x'", "exit 1"])
def test_a_script_answers_with_objects(body: str) -> None:
    assert "answer" in rules(body)


def test_a_range_is_refused_wherever_it_stands() -> None:
    assert "range" in rules("$x[1..3]")


def test_the_header_says_what_an_administrator_must_know() -> None:
    found = lint("$ErrorActionPreference = 'Stop'\n", reads=True)

    assert {"`What it does:`", "`Arguments:`", "`Answers:`", "`Undo:`"} <= {
        word for objection in found for word in objection.message.split("lacks ")
    }


def test_the_first_line_agrees_with_the_declared_effect() -> None:
    text = HEADER.format(effect="READS") + "$ErrorActionPreference = 'Stop'\n"

    assert [objection.message for objection in lint(text, reads=False)] == ["the first line does not say WRITES"]


def test_errors_end_the_script_from_its_first_statement_on() -> None:
    text = HEADER.format(effect="READS") + "Get-Date\n$ErrorActionPreference = 'Stop'\n"

    assert {objection.rule for objection in lint(text, reads=True)} == {"stop"}


def test_an_objection_names_the_line_and_what_to_do() -> None:
    [found] = objections("Get-Date\nif ($a -in @(1)) { 1 }")

    assert (found.line, found.rule) == (10, "later")
    assert str(found).startswith("line 10, column 8: -in is not in 2.0; use -contains")


def test_parameters_are_those_of_the_script_not_of_its_functions() -> None:
    text = "param([string]$Path, [int]$Before = 3)\nfunction Get-X { param($Inner)\n$Inner }\n"

    assert parameters(text) == ("Path", "Before")
    assert parameters("function Get-X { param($Inner)\n$Inner }\n") == ()


def test_the_nodes_of_a_script_are_found_in_the_order_of_its_text() -> None:
    """Rules rely on it: what is assigned last counts, and the first objection is the first to be read."""
    folder = Path(__file__).parent.parent / "playbooks" / "eas-require-ssl"
    for file in sorted(folder.glob("*.ps1")):
        script = Script(file.read_text(encoding="utf-8"))
        walked = [node for node in walk(script.root) if node.type in KINDS]
        for kind in KINDS:
            expected = [(node.start_byte, node.end_byte) for node in walked if node.type == kind]

            assert [(node.start_byte, node.end_byte) for node in script.of(kind)] == expected


def test_a_blank_that_powershell_does_not_take_for_one_is_told_by_its_number() -> None:
    assert any("xa0" in str(found) for found in objections("\u00a0"))
