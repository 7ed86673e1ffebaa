"""Bytes no client would send: every one gets an answer, and the service goes on."""

from __future__ import annotations

import base64
import random

import pytest
from practice import Practice, exchange, invoke, post
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan
from test_winrm_faults import CREATE, RESOURCE, envelope

# NegTokenInit with NTLM NEGOTIATE, as a client without a ticket sends it first.
SPNEGO_INIT = base64.b64decode(
    "YEgGBisGAQUFAqA+MDygDjAMBgorBgEEAYI3AgIKoioEKE5UTE1TU1AAAQAAADeCCOIAAAAAKAAAAAAAAAAoAAAAAAwEAAAAAA8="
)
POWERSHELL = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"


def answered(wsman: WSMan, request: bytes) -> int:
    """The HTTP status of a sealed request."""
    try:
        wsman.transport.send(request)
    except WinRMTransportError as error:
        return int(error.code)
    return 200


def creation(fragments: bytes) -> bytes:
    resource = f"<w:ResourceURI>{POWERSHELL}</w:ResourceURI>"
    xml = f'<creationXml xmlns="http://schemas.microsoft.com/powershell">{base64.b64encode(fragments).decode()}</creationXml>'
    return envelope(CREATE, resource, f"<rsp:Shell>{xml}</rsp:Shell>").encode()


def good_fragments() -> bytes:
    from psrpcore import ClientRunspacePool

    client = ClientRunspacePool()
    client.open()
    payload = client.data_to_send()
    assert payload is not None
    return payload.data


def mutated(chance: random.Random, good: bytes) -> bytes:
    """A few bytes changed, sometimes the end cut off."""
    changed = bytearray(good)
    for _ in range(chance.randrange(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    if chance.random() < 0.2:
        del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def goes_on(lab: Practice) -> bool:
    """Whether a script still runs."""
    lab.loop.run(_forget_shells(lab))
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    with lab.pool() as pool:
        return invoke(pool, "quick").output == [1]


async def _forget_shells(lab: Practice) -> None:
    lab.server.service.shells.clear()


def test_mutated_psrp_fragments_are_answered_and_the_service_goes_on(lab: Practice) -> None:
    chance, good, wsman = random.Random(1), good_fragments(), lab.wsman()
    statuses = {answered(wsman, creation(mutated(chance, good))) for _ in range(150)}

    assert statuses <= {200, 500}
    assert goes_on(lab)


def test_mutated_envelopes_are_answered_and_the_service_goes_on(lab: Practice) -> None:
    chance, good, wsman = random.Random(2), envelope(CREATE, RESOURCE, "<rsp:Shell/>").encode(), lab.wsman()
    statuses = {answered(wsman, mutated(chance, good) or b"x") for _ in range(150)}

    assert statuses <= {200, 500}
    assert goes_on(lab)


def test_a_deeply_nested_envelope_is_answered(lab: Practice) -> None:
    depth = 12_000
    request = envelope(CREATE, RESOURCE, "<a>" * depth + "</a>" * depth)

    assert answered(lab.wsman(), request.encode()) == 500


def test_a_deeply_nested_psrp_object_is_answered(lab: Practice) -> None:
    import struct

    depth = 5_000
    xml = b"<Obj><LST>" * depth + b"</LST></Obj>" * depth
    message = struct.pack("<II", 2, 0x00010002) + bytes(32) + xml
    fragment = struct.pack(">QQBI", 1, 0, 3, len(message)) + message

    assert answered(lab.wsman(), creation(fragment)) == 500


def test_mutated_logon_tokens_are_refused_and_the_service_goes_on(lab: Practice) -> None:
    chance, statuses = random.Random(31), set()
    for _ in range(150):
        token = base64.b64encode(mutated(chance, SPNEGO_INIT)).decode()
        with lab.raw() as connection:
            statuses.add(exchange(connection, post(Authorization=f"Negotiate {token}"))[0])

    assert statuses == {401}
    assert goes_on(lab)


def test_a_pipeline_sent_twice_is_a_fault(lab: Practice) -> None:
    lab.scripts["quick"] = lambda engine, sink, arguments, input: sink.output(1)
    with lab.pool() as pool:
        shell = invoke(pool, "quick")
        resource: RunspacePool = shell.runspace_pool
        with pytest.raises(WSManFaultError) as caught:
            resource.shell.send("stdin", b"\x00" * 20)

    assert caught.value.code == 2150858817
