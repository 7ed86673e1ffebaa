"""A playbook is read whole and frozen, or refused with everything that is wrong with it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.errors import PlaybookError
from agent.model import Effect, Role
from agent.playbook import DEFAULT, REFUSAL, SUMS, Playbook, load, read, seal, shelf, sums

ROOT = Path(__file__).resolve().parent.parent
READS = {"detect", "doctor", "readback", "restart-status", "hop", "events"} | {
    *("proxy", "addresses", "eas-events", "weblog"),
}
WRITES = {"backup", "clear", "restore", "restart", "recycle", "start-services", "close"}

SCRIPT = """# look.ps1 - READS. It changes nothing.
#
# What it does: tells the date.
# Arguments:    Path
# Answers:      one object.
# Undo:         nothing to undo.

param([string]$Path)
$ErrorActionPreference = 'Stop'
New-Object -TypeName 'PSObject' -Property @{ Kind = 'x'; Path = $Path }
"""
PAGE = """id: try
title: A try
summary: For a test.
scripts:
  look:
    purpose: looks
    effect: read
    runs_on: back-end
    timeout: 60
    arguments: [Path]
"""


@pytest.fixture(scope="module")
def cure() -> Playbook:
    return load()


def home(folder: Path, page: str = PAGE, script: str = SCRIPT) -> Path:
    """A shelf with one playbook named `try`."""
    (folder / "try").mkdir()
    (folder / "try" / "playbook.yaml").write_text(page, encoding="utf-8")
    (folder / "try" / "look.ps1").write_text(script, encoding="utf-8", newline="")
    return folder


def test_the_cure_reads_and_writes_with_these_scripts(cure: Playbook) -> None:
    reads = {name for name, script in cure.scripts.items() if script.effect is Effect.READ}

    assert reads == READS
    assert set(cure.scripts) - reads == WRITES
    assert cure.id == DEFAULT


def test_every_script_in_the_folder_is_in_the_playbook(cure: Playbook) -> None:
    found = {path.stem for path in (ROOT / "playbooks" / DEFAULT).glob("*.ps1")}

    assert found == set(cure.scripts)


def test_on_a_proxy_iis_is_restarted_and_nothing_else_written(cure: Playbook) -> None:
    sent = {name for name, entry in cure.entries.items() if entry.runs_on is not Role.BACK_END}
    writes = {name for name in sent if cure.entries[name].script.effect is Effect.WRITE}

    assert writes == {"restart", "start-services", "close"}


def test_every_write_says_how_it_is_undone_or_why_not(cure: Playbook) -> None:
    for name, entry in cure.entries.items():
        if entry.script.effect is Effect.WRITE:
            assert entry.undo is not None
            assert bool(entry.undo.script) != bool(entry.undo.reason), name
            assert not entry.undo.script or entry.undo.script in cure.scripts
    assert cure.entries["clear"].undo is not None
    assert cure.entries["clear"].undo.script == "restore"


def test_every_write_that_can_refuse_says_so_in_the_same_words(cure: Playbook) -> None:
    """The agent knows by this word that nothing was changed."""
    for name in WRITES - {"start-services"}:
        thrown = re.findall(r"throw ['\"](\w+:)", cure.script(name).text)

        assert thrown and set(thrown) == {REFUSAL}, name


def test_a_function_that_several_scripts_have_is_the_same_in_each(cure: Playbook) -> None:
    """Each script stands alone, so that it can be reviewed alone; what is repeated must not drift."""
    seen: dict[str, tuple[str, str]] = {}
    for name, script in cure.scripts.items():
        for function, text in re.findall(r"^function ([\w-]+) \{\n(.*?)^\}", script.text, re.DOTALL | re.MULTILINE):
            first, before = seen.setdefault(function, (name, text))

            assert text == before, f"{function} differs between {first} and {name}"
    assert "Test-Own" in seen


def test_a_hash_is_of_the_text_and_the_same_with_either_line_ending(tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix", tmp_path / "windows"
    unix.mkdir()
    windows.mkdir()
    first = load("try", home(unix)).script("look")
    second = load("try", home(windows, script=SCRIPT.replace("\n", "\r\n"))).script("look")

    assert first.sha256 == second.sha256 == hashlib.sha256(SCRIPT.encode()).hexdigest()
    assert first.text == second.text == SCRIPT


def test_the_hashes_are_sorted_by_script(cure: Playbook) -> None:
    assert list(cure.hashes) == sorted((name, script.sha256) for name, script in cure.scripts.items())


def test_a_playbook_is_frozen(cure: Playbook) -> None:
    with pytest.raises(TypeError):
        cure.entries["detect"] = cure.entries["clear"]  # type: ignore[index] # that is the claim


BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "an unknown key": (lambda page: page + "    colour: red\n", "colour"),
    "a missing key": (lambda page: page.replace("    purpose: looks\n", ""), "purpose"),
    "an unknown effect": (lambda page: page.replace("effect: read", "effect: maybe"), "effect"),
    "no time at all": (lambda page: page.replace("timeout: 60", "timeout: 0"), "timeout"),
    "a write without its undo": (lambda page: page.replace("effect: read", "effect: write"), "undo"),
    "a read with an undo": (lambda page: page + "    undo: {none: why}\n", "undo"),
    "another name": (lambda page: page.replace("id: try", "id: other"), "other"),
    "no scripts": (lambda page: page.partition("scripts:")[0] + "scripts: {}\n", "scripts"),
    "other arguments": (lambda page: page.replace("[Path]", "[Path, More]"), "More"),
    "not YAML": (lambda page: page + "\t: [", "YAML"),
}


@pytest.mark.parametrize(("spoil", "word"), BROKEN.values(), ids=BROKEN.keys())
def test_a_page_with_a_fault_is_refused_by_its_name(tmp_path: Path, spoil: Callable[[str], str], word: str) -> None:
    with pytest.raises(PlaybookError, match=word):
        load("try", home(tmp_path, spoil(PAGE)))


def test_an_undo_must_be_a_script_that_writes(tmp_path: Path) -> None:
    page = PAGE.replace("effect: read", "effect: write") + "    undo: {script: gone}\n"

    with pytest.raises(PlaybookError, match="gone"):
        load("try", home(tmp_path, page))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("$x.SetInfo()", "setinfo"),
        ("$x -in @(1)", "-in"),
        ("Get-Service -Name '\u00fc'", "ASCII"),
    ],
)
def test_a_script_that_is_not_fit_is_refused(tmp_path: Path, line: str, word: str) -> None:
    with pytest.raises(PlaybookError, match=word):
        load("try", home(tmp_path, script=f"{SCRIPT}{line}\n"))


def test_every_objection_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match=r"setinfo.*-in"):
        load("try", home(tmp_path, script=f"{SCRIPT}$x.SetInfo()\n$x -in @(1)\n"))


def test_a_script_that_is_missing_is_told(tmp_path: Path) -> None:
    shelf = home(tmp_path)
    (shelf / "try" / "look.ps1").unlink()

    with pytest.raises(PlaybookError, match=r"look\.ps1"):
        load("try", shelf)


def test_a_playbook_that_is_not_there_is_told() -> None:
    with pytest.raises(PlaybookError, match="no playbook named nothing"):
        load("nothing")


def test_a_script_that_is_not_in_the_playbook_is_told(cure: Playbook) -> None:
    with pytest.raises(PlaybookError, match="no script named nothing"):
        cure.script("nothing")


TWO = (
    PAGE
    + """  other:
    purpose: looks elsewhere
    effect: read
    runs_on: back-end
    timeout: 60
    arguments: [Path]
"""
)


def test_who_needs_one_script_gets_it_where_another_is_not_fit(tmp_path: Path) -> None:
    shelf = home(tmp_path, TWO)
    (shelf / "try" / "other.ps1").write_text(f"{SCRIPT}$x.SetInfo()\n", encoding="utf-8")
    found = read("try", shelf)

    assert found.script("look").id == "look"
    for ask in (lambda: found.scripts, lambda: found.hashes, lambda: found.script("other")):
        with pytest.raises(PlaybookError, match=r"other\.ps1 must not be sent: .*setinfo"):
            ask()
    with pytest.raises(PlaybookError, match="setinfo"):
        load("try", shelf)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scripts that the lint is asked about; it has nothing against any."""
    asked: list[str] = []
    monkeypatch.setattr("agent.lint.lint", lambda text, reads: asked.append(text) or ())
    return asked


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A shelf of one's own, with the cure as it was released."""
    shutil.copytree(str(shelf()), tmp_path / "shelf")
    return tmp_path / "shelf"


def test_a_script_is_checked_once(released: Path, checked: list[str]) -> None:
    (released / DEFAULT / SUMS).unlink()
    found = read(home=released)
    _ = found.script("detect"), found.scripts, found.hashes, found.one_by_one["clear"]

    assert len(checked) == len(set(checked)) == len(found.entries)


def test_the_sums_of_the_release_are_those_of_scripts_that_pass_the_lint() -> None:
    """Where it fails: make sums."""
    assert sums() == (ROOT / "playbooks" / DEFAULT / SUMS).read_text(encoding="ascii")


def test_no_sums_are_made_of_a_script_that_does_not_pass(released: Path) -> None:
    script = released / DEFAULT / "clear.ps1"
    script.write_text(f"{script.read_text()}$x -in @(1)\n")

    with pytest.raises(PlaybookError, match=r"clear\.ps1 must not be sent"):
        sums(home=released)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_script_as_it_was_released_is_not_checked_again(released: Path, checked: list[str], ending: str) -> None:
    for path in (released / DEFAULT).iterdir():
        path.write_text(path.read_text(), newline=ending)

    assert set(read(home=released).scripts) == READS | WRITES
    assert checked == []


def test_a_script_that_was_edited_since_is_checked(released: Path, checked: list[str]) -> None:
    script = released / DEFAULT / "clear.ps1"
    script.write_text(f"{script.read_text()}# a note\n")
    found = read(home=released)

    assert set(found.scripts) == READS | WRITES
    assert checked == [found.script("clear").text]


def test_what_was_edited_is_told(released: Path) -> None:
    assert read(home=released).altered == ""

    for name in ("restart", "clear"):
        script = released / DEFAULT / f"{name}.ps1"
        script.write_text(script.read_text(encoding="ascii") + "# edited\n", encoding="ascii")
    assert read(home=released).altered == "not as released: clear.ps1, restart.ps1"
    assert load(home=released).altered == "not as released: clear.ps1, restart.ps1"

    (released / DEFAULT / SUMS).unlink()
    assert "no script is known to be as it was released" in read(home=released).altered


def test_a_write_that_the_page_calls_a_read_is_found_out(released: Path) -> None:
    page = released / DEFAULT / "playbook.yaml"
    text = page.read_text()
    (entry,) = re.findall(r"\n  recycle:\n.*?(?=\n\n)", text, re.DOTALL)
    bent = entry.partition("\n    undo:")[0].replace("effect: write", "effect: read")
    assert "effect: read" in bent
    page.write_text(text.replace(entry, bent))

    with pytest.raises(PlaybookError, match=r"recycle\.ps1 must not be sent: .*effect"):
        read(home=released).script("recycle")


def test_sums_that_somebody_has_made_anew_vouch_for_nothing(released: Path) -> None:
    """As `sha256sum *.ps1 playbook.yaml > SHA256SUMS` does, which says no more than what lies there."""
    script = released / DEFAULT / "clear.ps1"
    script.write_text(f"{script.read_text()}$x -in @(1)\n")
    files = [path for path in sorted((released / DEFAULT).iterdir()) if path.name != SUMS]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (released / DEFAULT / SUMS).write_text("".join(f"{value}  {name}\n" for name, value in hashes.items()))

    with pytest.raises(PlaybookError, match=r"clear\.ps1 must not be sent"):
        read(home=released).script("clear")


def test_the_package_knows_the_sums_of_the_release() -> None:
    """Where it fails: make sums."""
    assert seal() == (ROOT / "agent" / "released.py").read_text(encoding="ascii")


@pytest.mark.parametrize("text", ["", "no sums\n", "* * *\n", "0  playbook.yaml\n"])
def test_sums_that_make_no_sense_vouch_for_nothing(released: Path, checked: list[str], text: str) -> None:
    (released / DEFAULT / SUMS).write_text(text)
    found = read(home=released)
    _ = found.scripts

    assert len(checked) == len(found.entries)
