"""Exchange 2003's own ActiveSync: OPTIONS from itself, everything else by reading the mailbox through /Exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from agent.lab.web import folders
from agent.lab.web.dav import LOGIN_TIMEOUT
from agent.lab.web.message import Request, Response
from agent.lab.web.waiting import pause
from agent.lab.web.wbxml import WbxmlError
from agent.lab.world.accounts import User
from agent.lab.world.eventlog import EntryType
from agent.lab.world.machine import Machine

NAME = "Microsoft-Server-ActiveSync"
SOURCE = "Server ActiveSync"
# domain 4.1, KB817379: the registry value that points ActiveSync at another directory than /Exchange.
PARAMETERS = r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters"
DIRECTORY_VALUE, DEFAULT_DIRECTORY = "ExchangeVDir", "/Exchange"

# domain 2.11 for SP2. Before SP2 [bg]: no 2.5, no Provision, Search, Ping.
SP2_VERSIONS = "1.0,2.0,2.1,2.5"
SP1_VERSIONS = "1.0,2.0,2.1"
SP1_COMMANDS = (
    "Sync,SendMail,SmartForward,SmartReply,GetAttachment,GetHierarchy,CreateCollection,DeleteCollection,"
    "MoveCollection,FolderSync,FolderCreate,FolderDelete,FolderUpdate,MoveItems,GetItemEstimate,MeetingResponse"
)
SP2_COMMANDS = SP1_COMMANDS + ",ResolveRecipients,ValidateCert,Provision,Search,Ping"

Mailbox = Callable[[Request, User], Awaitable[Response]]


class ActiveSync:
    """The application behind the directory; `mailbox` sends a request to the machine's own web server as the user."""

    def __init__(self, machine: Machine, mailbox: Mailbox) -> None:
        self._machine = machine
        self._mailbox = mailbox

    @property
    def version(self) -> str:
        """What MS-Server-ActiveSync says, such as 6.5.7638.1."""
        return f"{self._machine.exchange.version}.{self._machine.exchange.build}.1"

    async def answer(self, request: Request, user: User) -> Response:
        """The answer to a user who has logged on."""
        if request.method == "OPTIONS":
            return self._options()
        if request.method != "POST":
            return _plain(501, "Not Implemented")
        query = parse_qs(request.query)
        command = (query.get("Cmd") or query.get("cmd") or [""])[0]
        if not command or not query.get("DeviceId") or not query.get("DeviceType"):
            return _plain(400, "Bad Request")
        if user.mailbox_server is None:
            return _plain(403, "Forbidden")
        failed = await self._open_mailbox(user)
        if failed is not None:
            return failed
        return await self._run(command, request.body)

    def _options(self) -> Response:
        is_sp2 = self._machine.exchange.service_pack >= 2
        return Response(
            200,
            [
                ("MS-Server-ActiveSync", self.version),
                ("MS-ASProtocolVersions", SP2_VERSIONS if is_sp2 else SP1_VERSIONS),
                ("MS-ASProtocolCommands", SP2_COMMANDS if is_sp2 else SP1_COMMANDS),
                ("Public", "OPTIONS,POST"),
                ("Allow", "OPTIONS,POST"),
            ],
        )

    async def _run(self, command: str, body: bytes) -> Response:
        try:
            if command == "Ping":
                seconds, status = folders.heartbeat(body)
                await pause(self._machine.clock, seconds)
                return self._wbxml(folders.ping(status))
            if command in folders.COMMANDS:
                return self._wbxml(folders.COMMANDS[command](body))
        except WbxmlError:
            return _plain(400, "Bad Request")
        return _plain(501, "Not Implemented")

    def _wbxml(self, body: bytes) -> Response:
        headers = [("Content-Type", folders.WBXML), ("MS-Server-ActiveSync", self.version)]
        return Response(200, [*headers, ("Cache-Control", "private")], body)

    # --- the mailbox, over HTTP through /Exchange. domain 4.1 --------------------------------------------------

    async def _open_mailbox(self, user: User) -> Response | None:
        """None when the mailbox can be read; otherwise the 500 the device gets, with the event that says why."""
        directory = self._directory()
        headers = (("Host", self._machine.fqdn), ("Depth", "1"), ("User-Agent", f"{NAME}/{self.version}"))
        found = await self._mailbox(Request("PROPFIND", f"{directory}/{user.name}/", "", headers), user)
        if found.status == 207:
            return None
        event_id, entry_type, message, strings = _event(found, self._machine.name, directory, user)
        self._machine.logs.write("Application", SOURCE, event_id, entry_type, message, strings=strings)
        return _plain(500, "Internal Server Error")

    def _directory(self) -> str:
        value = self._machine.registry.get(PARAMETERS, DIRECTORY_VALUE)
        return "/" + str(value or DEFAULT_DIRECTORY).strip("/")


def _event(found: Response, server: str, directory: str, user: User) -> tuple[int, EntryType, str, tuple[str, ...]]:
    """Which event tells of this answer. Ids from domain 4.1 (KB817379) and 3005; which is which, and wording [bg]."""
    where = directory.strip("/")
    if found.status == 403 and found.substatus in (4, 5):
        text = f"The mailbox server [{server}] has its [{where}] virtual directory set to require SSL. Exchange "
        return 3029, EntryType.ERROR, text + "ActiveSync cannot access the server if SSL is required.", (server, where)
    if found.status in (302, LOGIN_TIMEOUT):
        text = f"The mailbox server [{server}] has forms-based authentication enabled for its [{where}] virtual "
        text += "directory. Exchange ActiveSync cannot access the server if it is enabled."
        return 3030, EntryType.ERROR, text, (server, where)
    if found.status == 401:
        text = f"The mailbox server [{server}] does not allow Negotiate authentication to its [{where}] virtual "
        text += "directory. Exchange ActiveSync can only access the server using this authentication scheme."
        return 3031, EntryType.ERROR, text, (server, where)
    text = f"Unexpected Exchange mailbox Server error: Server: [{server}] User: [{user.upn}] HTTP status code: "
    text += f"[{found.status}]. Verify that the Exchange mailbox Server is working correctly."
    return 3005, EntryType.ERROR, text, (server, user.upn, str(found.status))


def _plain(status: int, text: str) -> Response:
    return Response(status, [("Content-Type", "text/html")], f"<body><h2>HTTP/1.1 {status} {text}</h2></body>".encode())
