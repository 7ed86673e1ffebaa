"""Each WSMan fault, as an unmodified client meets it: the code of Windows, the subcode, the words."""

from __future__ import annotations

import re
import uuid
from xml.etree import ElementTree as ET

import pytest
from practice import DEADLINE, PASSWORD, Practice, invoke
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSManAction

CMD = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


@pytest.fixture
def shell(lab: Practice) -> WinRS:
    made = WinRS(lab.wsman())
    made.open()
    return made


def fault(lab: Practice, request: str) -> tuple[int, str, str]:
    """Code, subcode and reason of the fault that answers a raw envelope."""
    with pytest.raises(WinRMTransportError) as caught:
        lab.wsman().transport.send(request.encode())
    root = ET.fromstring(caught.value.response_text)
    code = root.find(".//{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}WSManFault")
    subcode = root.find(".//s:Subcode/s:Value", NAMESPACES)
    reason = root.find(".//s:Reason/s:Text", NAMESPACES)
    assert caught.value.code == 500
    assert code is not None and subcode is not None and reason is not None
    return int(code.get("Code", "")), subcode.text or "", reason.text or ""


def envelope(action: str = "", headers: str = "", body: str = "", message_id: str | None = None) -> str:
    """An envelope with the WS-Addressing headers of the action."""
    named = f"uuid:{uuid.uuid4()}" if message_id is None else message_id
    identity = f"<a:MessageID>{named}</a:MessageID>" if named else ""
    acting = f"<a:Action>{action}</a:Action>" if action else ""
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:rsp="' + SHELL + '" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">'
        f"<s:Header>{acting}{identity}{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
RESOURCE = f"<w:ResourceURI>{CMD}</w:ResourceURI>"


def test_a_user_who_is_no_administrator_is_denied(lab: Practice) -> None:
    lab.forest.accounts.add("clerk", "pw")
    with pytest.raises(WSManFaultError) as caught:
        lab.pool(username=r"LAB\clerk", password="pw").open()

    assert (caught.value.code, caught.value.reason) == (5, "Access is denied.")


def test_not_admin_denies_both_kinds_of_shell(lab: Practice) -> None:
    lab.faults.set(not_admin=True)
    with pytest.raises(WSManFaultError) as powershell:
        lab.pool().open()
    with pytest.raises(WSManFaultError) as cmd:
        WinRS(lab.wsman()).open()

    assert (powershell.value.code, cmd.value.code) == (5, 5)


def test_without_psrp_the_configuration_is_not_found_and_the_cmd_shell_works(lab: Practice) -> None:
    lab.faults.set(psrp_disabled=True)
    with pytest.raises(WSManFaultError) as caught:
        lab.pool().open()
    answer = lab.session().run_cmd("hostname")

    assert caught.value.code == 2150858811
    assert "http://schemas.microsoft.com/powershell/Microsoft.PowerShell" in caught.value.reason
    assert answer.std_out == b"EX01\r\n"


def test_a_session_configuration_there_is_not_is_not_found(lab: Practice) -> None:
    with pytest.raises(WSManFaultError) as caught:
        RunspacePool(lab.wsman(), configuration_name="Microsoft.Exchange").open()

    assert caught.value.code == 2150858811


def test_a_shell_that_is_gone_is_not_found(lab: Practice) -> None:
    pool = lab.pool()
    pool.open()
    pool.shell.close()
    with pytest.raises(WSManFaultError) as caught:
        invoke(pool, "x")

    assert caught.value.code == 2150858843
    assert (
        f"ShellId {pool.shell._selector_set.values[0][1]} failed because the shell was not found" in caught.value.reason
    )


def test_the_shell_of_another_user_is_not_found(lab: Practice, shell: WinRS) -> None:
    lab.forest.accounts.add("second", "pw", is_admin=True)
    stranger = WinRS(lab.wsman(username=r"LAB\second", password="pw"))
    stranger._selector_set = shell._selector_set
    with pytest.raises(WSManFaultError) as caught:
        Process(stranger, "ver").invoke()

    assert caught.value.code == 2150858843


def test_a_request_to_a_shell_needs_its_id(lab: Practice, shell: WinRS) -> None:
    shell._selector_set = SelectorSet()
    with pytest.raises(WSManFaultError) as caught:
        Process(shell, "ver").invoke()

    assert caught.value.code == 2150858842


def test_a_command_the_shell_does_not_know_is_an_incorrect_parameter(shell: WinRS) -> None:
    unknown = str(uuid.uuid4()).upper()
    for request in (
        lambda: shell.receive("stdout", unknown),
        lambda: shell.send("stdin", b"x", unknown),
        lambda: shell.signal(SignalCode.TERMINATE, unknown),
    ):
        with pytest.raises(WSManFaultError) as caught:
            request()

        assert (caught.value.code, caught.value.reason) == (87, "The parameter is incorrect.")


def test_a_stream_the_shell_does_not_have_is_refused(lab: Practice, shell: WinRS) -> None:
    process = Process(shell, "ver")
    process.begin_invoke()
    with pytest.raises(WSManFaultError) as receiving:
        shell.receive("stdlog", process.id)
    with pytest.raises(WSManFaultError) as sending:
        shell.send("stdlog", b"x", process.id)

    assert (receiving.value.code, sending.value.code) == (2150859149, 2150859147)


def test_a_waiting_receive_is_aborted_when_the_shell_is_deleted(lab: Practice) -> None:
    import threading

    lab.scripts["wait"] = lambda engine, sink, arguments, input: engine.stopping.wait(DEADLINE)
    pool = lab.pool()
    pool.open()
    command = PowerShell(pool).add_script("wait")
    command.begin_invoke()
    faults: list[WSManFaultError] = []

    def receive() -> None:
        with pytest.raises(WSManFaultError) as caught:
            pool.shell.receive("stdout", command._command_id)
        faults.append(caught.value)

    waiting = threading.Thread(target=receive)
    waiting.start()
    service = lab.server.service
    assert lab.loop.until(lambda: any(each.busy for each in service.shells))
    second = lab.wsman()
    second.delete(pool.shell.resource_uri, selector_set=pool.shell._selector_set)
    waiting.join(DEADLINE)

    assert [each.code for each in faults] == [995]


@pytest.mark.parametrize(
    "action",
    [
        "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate",
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put",
        f"{SHELL}/Disconnect",
        f"{SHELL}/Reconnect",
        f"{SHELL}/Connect",
    ],
)
def test_what_winrm_2_does_not_do_is_refused(lab: Practice, action: str) -> None:
    code, subcode, reason = fault(lab, envelope(action, RESOURCE))

    assert (code, subcode) == (2150858753, "a:ActionNotSupported")
    assert action in reason


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("no xml at all", 2150858819),
        ("<a/>", 2150858819),
        ("<!DOCTYPE x [<!ENTITY e 'y'>]><x>&e;</x>", 2150858819),
        (envelope(), 2150858769),
        (envelope(CREATE, RESOURCE, message_id=""), 2150858769),
        (envelope(CREATE, RESOURCE + '<w:Strange s:mustUnderstand="true"/>'), 2150858768),
        (envelope(CREATE, RESOURCE + "<w:OperationTimeout>soon</w:OperationTimeout>"), 2150859035),
        (envelope(CREATE, RESOURCE + "<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize>"), 2150859035),
        (envelope(CREATE, RESOURCE), 2150858817),
        (envelope(CREATE, RESOURCE, "<rsp:Other/>"), 2150858817),
        (envelope(CREATE, "<w:ResourceURI>http://nowhere</w:ResourceURI>", "<rsp:Shell/>"), 2150858811),
    ],
)
def test_a_request_that_cannot_be_read_is_a_fault(lab: Practice, request_text: str, code: int) -> None:
    found, _, _ = fault(lab, request_text)

    assert found == code


def test_a_fault_names_the_request_and_the_machine(lab: Practice) -> None:
    with pytest.raises(WinRMTransportError) as caught:
        lab.wsman().transport.send(envelope(CREATE, RESOURCE, message_id="uuid:1").encode())
    text = caught.value.response_text

    assert "<a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/fault</a:Action>" in text
    assert "<a:RelatesTo>uuid:1</a:RelatesTo>" in text
    assert re.search(r'<f:WSManFault xmlns:f="[^"]+" Code="2150858817" Machine="ex01.lab.example">', text)


def test_garbage_in_place_of_psrp_fragments_is_a_fault(lab: Practice) -> None:
    with lab.pool() as pool, pytest.raises(WSManFaultError) as caught:
        pool.shell.command("", arguments=["AAAA"])

    assert caught.value.code == 2150858817


def test_a_signal_nobody_knows_is_a_fault(lab: Practice, shell: WinRS) -> None:
    process = Process(shell, "ver")
    process.begin_invoke()
    with pytest.raises(WSManFaultError) as caught:
        process.signal("http://nowhere/signal/dance")

    assert caught.value.code == 2150858817


def test_a_command_line_of_nothing_is_a_fault(shell: WinRS) -> None:
    with pytest.raises(WSManFaultError) as caught:
        Process(shell, "").invoke()

    assert caught.value.code == 2150858817


def test_a_shell_can_be_described(lab: Practice) -> None:
    with lab.pool() as pool:
        state = pool.shell._get_shell()
        alive = pool.is_alive()

    assert alive
    assert state["Owner"] == r"LAB\administrator"
    assert state["ResourceUri"] == "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
    assert (state["InputStreams"], state["OutputStreams"]) == ("stdin pr", "stdout")


def test_a_shell_that_is_gone_is_not_alive(lab: Practice) -> None:
    pool = lab.pool()
    pool.open()
    pool.shell.close()

    assert pool.is_alive() is False


def test_options_of_newer_clients_do_not_matter(lab: Practice) -> None:
    options = OptionSet()
    options.add_option("WINRS_NOPROFILE", "TRUE", {"MustComply": "true"})
    shell = WinRS(lab.wsman())
    shell.open(options)
    process = Process(shell, "hostname")
    process.invoke()

    assert process.stdout == b"EX01\r\n"
    assert WSManAction.CREATE == CREATE
    assert PASSWORD not in str(lab.server.service.shells)
