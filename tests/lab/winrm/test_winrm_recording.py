"""A recorded conversation of pypsrp with a PowerShell 2.0 host, against ours: same skeletons, message for message.

`recorded-envelopes.txt` and `recorded-messages.txt` hold what the recording says without its values; where the
recording itself is at hand, its own requests are sent again.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import skeleton
import yaml
from practice import Loop, Practice
from pypsrp.powershell import PowerShell
from pypsrp.wsman import WSMan

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import ErrorRecord
from agent.lab.winrm.quotas import Quotas

HERE = Path(__file__).parent
RECORDING = HERE.parents[3] / "shared" / "data" / "psrp-2.1-recording.yml"
SCRIPT = "begin { Write-Debug; Write-Error } process { $input } end { Write-Debug }"


class AnyScript(dict[str, Any]):
    """Whatever text arrives does what the recorded script did."""

    def __missing__(self, text: str) -> Any:
        return recorded_script


def recorded_script(engine: Any, sink: Any, arguments: Any, input: Any) -> None:
    sink.debug("Start Block")
    error = ClrError("error", "Microsoft.PowerShell.Commands.WriteErrorException")
    sink.error(ErrorRecord(error, "Microsoft.PowerShell.Commands.WriteErrorException", activity="Write-Error"))
    for item in input:
        sink.output(item)
    sink.debug("End Block")


@pytest.fixture
def host(winrm_loop: Loop) -> Iterator[Practice]:
    """An answer waits for the end of its command, as on the recorded host."""
    practice = Practice(winrm_loop, quotas=Quotas(linger_seconds=20.0))
    practice.scripts = AnyScript()
    yield practice
    practice.close()


@pytest.fixture
def answers(host: Practice) -> list[str]:
    """The answers of the recorded conversation, led again by pypsrp."""
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: _keep(heard, record)  # type: ignore[method-assign] # a handler of one line
    log = logging.getLogger("pypsrp.wsman")
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.DEBUG)
    try:
        with host.pool() as pool:
            shell = PowerShell(pool).add_script(SCRIPT)
            shell.merge_error("output")
            shell.invoke(["message 1", 2, ["3", 3]])
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
    return heard


def _keep(heard: list[str], record: logging.LogRecord) -> None:
    found = re.match(r"Received message: (<s:Envelope.*)", record.getMessage(), re.DOTALL)
    if found:
        heard.append(found[1])


def test_every_answer_has_the_recorded_skeleton(answers: list[str]) -> None:
    recorded = (HERE / "recorded-envelopes.txt").read_text(encoding="utf-8").splitlines()

    assert [skeleton.envelope(answer) for answer in answers] == recorded


def test_every_message_has_the_recorded_shape(answers: list[str]) -> None:
    recorded = (HERE / "recorded-messages.txt").read_text(encoding="utf-8").split("== ")[1:]
    ours = [
        "\n".join([kind, *skeleton.shape(xml)]) + "\n" for answer in answers for kind, xml in skeleton.messages(answer)
    ]

    assert ours == recorded


def test_every_message_starts_with_a_byte_order_mark(answers: list[str]) -> None:
    streams = [text for answer in answers for text in re.findall(r"<rsp:Stream[^>]*>([^<]*)", answer)]

    assert streams
    assert all(base64.b64decode(text)[61:64] == b"\xef\xbb\xbf" for text in streams)


@pytest.mark.skipif(not RECORDING.exists(), reason=f"the recording {RECORDING.name} is not beside this project")
def test_the_recorded_requests_get_the_recorded_answers(host: Practice) -> None:
    """The recording's own requests, with the ids our host gave in place of those the recorded host gave."""
    conversation = yaml.safe_load(RECORDING.read_text(encoding="utf-8"))["messages"]
    wsman: WSMan = host.wsman()
    renamed: dict[str, str] = {}
    ours: list[str] = []
    for turn in conversation:
        request = turn["request"]
        for theirs, mine in renamed.items():
            request = request.replace(theirs, mine)
        answer = wsman.transport.send(request.encode()).decode()
        ours.append(answer)
        for theirs, mine in zip(_ids(turn["response"]), _ids(answer), strict=True):
            renamed[theirs] = mine

    assert [skeleton.envelope(answer) for answer in ours] == [
        skeleton.envelope(turn["response"]) for turn in conversation
    ]
    assert [skeleton.shape(xml) for answer in ours for _, xml in skeleton.messages(answer)] == [
        skeleton.shape(xml) for turn in conversation for _, xml in skeleton.messages(turn["response"])
    ]


def _ids(answer: str) -> list[str]:
    """The shell or command id an answer gives out."""
    return re.findall(r'(?:Name="ShellId"|<rsp:CommandId)>([^<]+)', answer)
