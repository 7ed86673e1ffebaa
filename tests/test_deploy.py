"""What is deployed: units, task and container hold commands that exist, and no more rights than they say why."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from agent.cli.main import cli
from agent.cli.run import _timetable
from agent.config import load

ROOT = Path(__file__).resolve().parent.parent
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
TASK = ROOT / "deploy" / "windows" / "easfix-task.xml"
CONTAINER = ROOT / "deploy" / "container" / "Containerfile"
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"

LEAST: Mapping[str, str] = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "LimitCORE": "0",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallFilter": "@system-service",
    "User": "easfix",
    "StateDirectory": "easfix",
}


def unit(path: Path) -> Iterator[tuple[str, str, str]]:
    """Section, key and value of every line that is no comment."""
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield section, key, value


def values(path: Path, key: str) -> list[str]:
    return [value for _, name, value in unit(path) if name == key]


def parsed(words: list[str]) -> click.Context:
    """The command line as click understands it; raises `UsageError` for what is not one."""
    context = cli.make_context("easfix", list(words))
    rest = [*context._protected_args, *context.args]
    name, command, arguments = cli.resolve_command(context, rest)
    assert command is not None
    found = command.make_context(name, arguments, parent=context)
    if name == "run":
        given = found.params
        _timetable(given["every"], given["cron"], given["zone"], once=given["once"])
    return found


def windows_words(text: str) -> list[str]:
    """Split as Windows does, as far as it matters here: by spaces outside of quotes."""
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', text)]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_a_command_that_exists(path: Path) -> None:
    (line,) = values(path, "ExecStart")
    program, *words = shlex.split(line)

    assert program == "/opt/easfix/bin/easfix"
    assert parsed(words).info_name == "run"


def test_the_pause_of_the_timer_is_that_of_its_tick() -> None:
    """Otherwise two machines would not mean the same ticks."""
    (line,) = values(SYSTEMD / "easfix.service", "ExecStart")
    found = parsed(shlex.split(line)[1:]).params

    assert (found["once"], found["every"]) == (True, "30m")
    assert values(SYSTEMD / "easfix.timer", "OnCalendar") == ["*:00/30"]
    assert values(SYSTEMD / "easfix.timer", "Persistent") == ["true"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_least_rights(path: Path) -> None:
    found = {key: value for section, key, value in unit(path) if section == "Service"}

    assert {key: found.get(key) for key in LEAST} == LEAST
    assert not found.keys() & {"AmbientCapabilities", "ReadWritePaths", "BindPaths"}


def test_both_services_have_the_same_rights() -> None:
    ends = [path.read_text(encoding="utf-8").split("# Who it is")[1].split("[Install]")[0].strip() for path in SERVICES]

    assert ends[0] == ends[1]


def test_the_process_that_stays_is_watched_and_not_begun_again_in_vain() -> None:
    path = SYSTEMD / "easfix-run.service"

    assert values(path, "Type") == ["notify"]
    assert values(path, "WatchdogSec") == ["5min"]
    assert values(path, "RestartPreventExitStatus") == ["64 78"]
    assert values(path, "SuccessExitStatus") == ["130"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_is_given_more_time_than_a_restart_takes(path: Path) -> None:
    (limit,) = values(path, "TimeoutStopSec")

    assert int(limit.removesuffix("min")) * 60 > 600 + 180  # restart.deadline_seconds and verify.deadline_seconds


def with_options(path: Path) -> str:
    """The unit with everything that is only proposed switched on too."""
    return re.sub(r"^#(?=[A-Z][A-Za-z]+=)", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_the_environment_of_a_service_is_configuration(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("credentials: {default: {username: x}}\nservers: [EX01]\n", encoding="utf-8")
    for line in re.findall(r"^Environment=(.*)$", with_options(path), re.MULTILINE):
        name, _, value = shlex.split(line)[0].partition("=")
        monkeypatch.setenv(name, value.replace("%d", "/run/credentials/easfix.service"))
    found = load(config)

    assert found.credentials["default"].password_file == "/run/credentials/easfix.service/password"
    assert found.notify[0].url_file == "/run/credentials/easfix.service/notify"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
@pytest.mark.parametrize("is_whole", [False, True], ids=["as it is", "with what is proposed"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, is_whole: bool) -> None:
    program = tmp_path / "easfix"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for path in UNITS:
        text = with_options(path) if is_whole else path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace("/opt/easfix/bin/easfix", str(program)), encoding="utf-8")
    units = [str(tmp_path / path.name) for path in UNITS]
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    ours = [line for line in ended.stderr.splitlines() if "easfix" in line]

    assert ours == []
    assert ended.returncode == 0, ended.stderr


def exposure(path: Path) -> float:
    ended = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", ended.stdout)
    if found is None:
        pytest.skip(f"this systemd-analyze does not judge a file: {ended.stderr.strip()[:200]}")
    return float(found[1])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_systemd_calls_the_exposure_low(path: Path) -> None:
    assert exposure(path) < 3.0


TASK_ORDER = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
"""As Task Scheduler itself writes a task down (schema 1.2, taskType)."""

SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "false",
    "StartWhenAvailable": "true",
    "RunOnlyIfNetworkAvailable": "true",
    "AllowStartOnDemand": "true",
    "Enabled": "true",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "WakeToRun": "false",
    "ExecutionTimeLimit": "PT0S",
    "Priority": "7",
}


def task() -> ET.Element:
    return ET.fromstring(TASK.read_text(encoding="ascii"))


def texts(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return {child.tag.removeprefix(NAMESPACE): child.text or "" for child in element}


def test_the_task_is_of_the_schema_and_in_its_order() -> None:
    found = task()

    assert found.tag == f"{NAMESPACE}Task"
    assert found.attrib == {"version": "1.2"}
    assert list(texts(found)) == TASK_ORDER
    assert texts(found.find(f"{NAMESPACE}Settings")) == SETTINGS
    assert list(texts(found.find(f"{NAMESPACE}Settings"))) == list(SETTINGS)


def test_the_task_has_no_declaration_that_a_string_would_belie() -> None:
    """Register-ScheduledTask takes text, which is UTF-16, and refuses one that says it is UTF-8."""
    assert not TASK.read_text(encoding="ascii").lstrip().startswith("<?xml")


def test_the_task_runs_as_a_managed_account_without_rights() -> None:
    found = texts(task().find(f"{NAMESPACE}Principals/{NAMESPACE}Principal"))
    actions = task().find(f"{NAMESPACE}Actions")

    assert found == {"UserId": "EXAMPLE\\easfix$", "LogonType": "Password", "RunLevel": "LeastPrivilege"}
    assert actions is not None
    assert actions.attrib == {"Context": "easfix"}


def test_the_task_runs_a_command_that_exists() -> None:
    found = texts(task().find(f"{NAMESPACE}Actions/{NAMESPACE}Exec"))
    line = parsed(windows_words(found["Arguments"]))

    assert list(found) == ["Command", "Arguments", "WorkingDirectory"]
    assert found["Command"].strip('"').endswith("\\easfix.exe")
    assert (line.params["once"], line.params["every"]) == (True, "30m")
    assert task().findtext(f".//{NAMESPACE}Interval") == "PT30M"


def container() -> list[tuple[str, str]]:
    """Every instruction with its words, lines that go on joined."""
    text = re.sub(r"\\\n\s*", "", CONTAINER.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def last(instruction: str) -> str:
    return [rest for word, rest in container() if word == instruction][-1]


def test_the_container_runs_a_command_that_exists() -> None:
    entry, default = json.loads(last("ENTRYPOINT")), json.loads(last("CMD"))

    assert entry[0] == "/opt/easfix/bin/easfix"
    assert parsed([*entry[1:], *default]).info_name == "run"
    assert parsed([*entry[1:], "run", "--once", "--every", "30m"]).params["once"]


def test_the_container_is_not_root_and_stops_as_it_is_asked_to() -> None:
    assert last("USER") == "10001:10001"
    assert last("STOPSIGNAL") == "SIGTERM"


def test_the_container_is_made_of_what_has_the_right_hash() -> None:
    runs = " ".join(rest for word, rest in container() if word == "RUN")

    assert "--require-hashes" in runs
    assert "--only-binary :all:" in runs
    assert "--no-index" in runs
    assert (ROOT / "constraints.txt").read_text(encoding="utf-8").count("--hash=") > 100


def test_the_container_names_no_host() -> None:
    """What it is made from is an argument, so that a mirror needs no other file."""
    assert [rest for word, rest in container() if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    assert container()[0] == ("ARG", "BASE=python:3.12-slim")


def test_the_environment_of_the_container_is_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("servers: [EX01]\n", encoding="utf-8")
    pairs = dict(word.split("=", 1) for word in shlex.split(last("ENV")))
    for name, value in pairs.items():
        if name.startswith("EASFIX_"):
            monkeypatch.setenv(name, value)
    found = load(config)

    assert found.journal.endswith("journal.db")
    assert found.logs.file.endswith("easfix.log")
    assert {Path(found.journal).parent, Path(found.logs.file).parent} == {Path("/var/lib/easfix")}


@pytest.mark.parametrize("path", [*UNITS, TASK, CONTAINER], ids=lambda path: path.name)
def test_every_command_in_a_comment_exists(path: Path) -> None:
    """The comments say how to install, and what an operator types."""
    for line in re.findall(
        r"(?:^|\s)(?:\S*/)?easfix ((?:--config|-q|run|status)\b.*)$", path.read_text(), re.MULTILINE
    ):
        assert parsed(shlex.split(line)), line


def test_the_commands_are_checked_by_what_checks_them() -> None:
    with pytest.raises(click.UsageError):
        parsed(["run", "--evry", "30m"])
    with pytest.raises(Exception, match="is not a length of time"):
        parsed(["run", "--every", "thirty"])
    with pytest.raises(click.UsageError):
        parsed(["runn"])
