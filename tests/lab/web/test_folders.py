"""ActiveSync commands: statuses as [MS-ASCMD] has them, and a Ping that waits by the clock."""

from __future__ import annotations

import threading

import pytest
from weblab import COMMAND, Lab

from agent.lab.web import folders
from agent.lab.web.wbxml import Element, WbxmlError, decode, element, encode


def folder_sync(key: str) -> Element:
    return decode(
        folders.folder_sync(
            encode(element("FolderHierarchy", "FolderSync", element("FolderHierarchy", "SyncKey", key)))
        )
    )


def sync(key: str, folder: str) -> Element:
    asked = [element("AirSync", name, value) for name, value in (("SyncKey", key), ("CollectionId", folder))]
    collection = element("AirSync", "Collection", element("AirSync", "Class", "Email"), *asked)
    body = encode(element("AirSync", "Sync", element("AirSync", "Collections", collection)))
    found = decode(folders.sync(body)).find("Collections", "Collection")
    assert found is not None
    return found


def ping(interval: str, *, with_folders: bool = True) -> bytes:
    content = [element("Ping", "HeartbeatInterval", interval)]
    if with_folders:
        content.append(element("Ping", "Folders", element("Ping", "Folder", element("Ping", "Id", "1"))))
    return encode(element("Ping", "Ping", *content))


def test_the_second_folder_sync_brings_no_changes() -> None:
    answer = folder_sync("1")

    assert (answer.value("Status"), answer.value("SyncKey"), answer.value("Changes", "Count")) == ("1", "1", "0")


def test_an_unknown_folder_key_must_start_again() -> None:
    assert folder_sync("77").value("Status") == "9"


@pytest.mark.parametrize(
    ("key", "folder", "status", "next_key"),
    [("0", "1", "1", "1"), ("1", "1", "1", "1"), ("9", "1", "3", "0"), ("0", "99", "8", "0"), ("0", "x", "8", "0")],
)
def test_a_sync_says_how_each_collection_went(key: str, folder: str, status: str, next_key: str) -> None:
    answer = sync(key, folder)

    assert (answer.value("Status"), answer.value("SyncKey")) == (status, next_key)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (0, "3")),
        (ping("x"), (0, "3")),
        (ping("300", with_folders=False), (0, "3")),
        (ping("10"), (0, "5")),
        (ping("9999"), (0, "5")),
        (ping("300"), (300, "1")),
    ],
)
def test_a_ping_waits_only_for_an_interval_in_range(body: bytes, expected: tuple[int, str]) -> None:
    assert folders.heartbeat(body) == expected


def test_what_is_not_wbxml_is_not_guessed_at() -> None:
    for command in (folders.folder_sync, folders.sync, folders.heartbeat):
        with pytest.raises(WbxmlError):
            command(b"<FolderSync/>")


def test_a_ping_is_answered_when_its_interval_is_over(lab: Lab) -> None:
    client = lab.client(lab.iis())
    answers: list[bytes] = []
    path = COMMAND.replace("FolderSync", "Ping")
    thread = threading.Thread(target=lambda: answers.append(client.basic("POST", path, ping("480")).body), daemon=True)
    thread.start()
    assert lab.loop.until(lambda: lab.clock._agenda.soonest() is not None and lab.ex01.counters.logons == 1)
    lab.clock.advance(479)
    waits = thread.is_alive()
    while thread.is_alive():
        lab.clock.advance(1)
        thread.join(0.02)

    assert waits and decode(answers[0]).value("Status") == "1"
