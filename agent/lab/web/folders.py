"""The ActiveSync commands themselves, from WBXML to WBXML, for any version of Exchange in the lab. [MS-ASCMD]"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.lab.web.wbxml import Element, decode, element, encode

WBXML = "application/vnd.ms-sync.wbxml"

# [MS-ASCMD] 2.2.3.170.3 (Type): the folders every mailbox of Exchange has, with their type.
FOLDERS = (
    ("Inbox", 2),
    ("Drafts", 3),
    ("Deleted Items", 4),
    ("Sent Items", 5),
    ("Outbox", 6),
    ("Tasks", 7),
    ("Calendar", 8),
    ("Contacts", 9),
    ("Notes", 10),
    ("Journal", 11),
)
# [MS-ASCMD] 2.2.3.177.4, .16, .11: status values.
OK, INVALID_SYNC_KEY, OBJECT_NOT_FOUND, SYNC_INVALID_KEY = "1", "9", "8", "3"
PING_EXPIRED, PING_INCOMPLETE, PING_OUT_OF_RANGE = "1", "3", "5"
HEARTBEAT = (60, 3540)  # seconds, what Exchange 2003 SP2 grants [bg]

_FH, _AS = "FolderHierarchy", "AirSync"


def folder_sync(body: bytes) -> bytes:
    """The folder hierarchy for SyncKey 0, no changes for the key given then; raises WbxmlError."""
    key = decode(body).value("SyncKey")
    if key == "0":
        return encode(_hierarchy(_changes()))
    if key == "1":
        return encode(_hierarchy(element(_FH, "Changes", element(_FH, "Count", "0"))))
    return encode(element(_FH, "FolderSync", element(_FH, "Status", INVALID_SYNC_KEY)))


def sync(body: bytes) -> bytes:
    """Every collection asked for, without items: a first key for key 0, nothing new after it; raises WbxmlError."""
    asked = decode(body).find("Collections")
    answers = [_collection(each) for each in (asked.children if asked else []) if each.name == "Collection"]
    return encode(element(_AS, "Sync", element(_AS, "Collections", *answers)))


def heartbeat(body: bytes) -> tuple[int, str]:
    """Seconds a Ping may wait, and the status to answer with; raises WbxmlError."""
    if not body:
        return 0, PING_INCOMPLETE
    root = decode(body)
    text = root.value("HeartbeatInterval")
    if not text.isdigit() or root.find("Folders") is None:
        return 0, PING_INCOMPLETE
    seconds = int(text)
    return (seconds, PING_EXPIRED) if HEARTBEAT[0] <= seconds <= HEARTBEAT[1] else (0, PING_OUT_OF_RANGE)


def ping(status: str) -> bytes:
    """The answer to a Ping."""
    content = [element("Ping", "Status", status)]
    if status == PING_OUT_OF_RANGE:
        content.append(element("Ping", "HeartbeatInterval", str(HEARTBEAT[1])))
    return encode(element("Ping", "Ping", *content))


COMMANDS: Mapping[str, Callable[[bytes], bytes]] = {"FolderSync": folder_sync, "Sync": sync}


def _hierarchy(changes: Element) -> Element:
    return element(_FH, "FolderSync", element(_FH, "Status", OK), element(_FH, "SyncKey", "1"), changes)


def _changes() -> Element:
    added = [
        element(
            _FH,
            "Add",
            element(_FH, "ServerId", str(number)),
            element(_FH, "ParentId", "0"),
            element(_FH, "DisplayName", name),
            element(_FH, "Type", str(kind)),
        )
        for number, (name, kind) in enumerate(FOLDERS, 1)
    ]
    return element(_FH, "Changes", element(_FH, "Count", str(len(added))), *added)


def _collection(asked: Element) -> Element:
    key, folder = asked.value("SyncKey"), asked.value("CollectionId")
    known = folder.isdigit() and 1 <= int(folder) <= len(FOLDERS)
    status = OBJECT_NOT_FOUND if not known else OK if key in ("0", "1") else SYNC_INVALID_KEY
    return element(
        _AS,
        "Collection",
        element(_AS, "Class", asked.value("Class") or "Email"),
        element(_AS, "SyncKey", "1" if status == OK else "0"),
        element(_AS, "CollectionId", folder),
        element(_AS, "Status", status),
    )
