"""The whole configuration."""

from typing import Annotated, Any

from pydantic import Field

from agent.config.behaviour import (
    GuardSection,
    LogSection,
    PatienceSection,
    RestartSection,
    RunSection,
    TimeoutSection,
    VerifySection,
)
from agent.config.conduct import ApprovalSection, NoticeEntry, ScheduleSection, WindowEntry
from agent.config.section import Anchored, Section
from agent.config.targets import Credential, ProxyEntry, ServerEntry, WinrmSection
from agent.model import Way

PREFIX = "EASFIX_"
DELIMITER = "__"


class Config(Section):
    """Everything that can be set; made by `load`, which is where the environment comes in."""

    servers: tuple[ServerEntry, ...] = ()
    """The Exchange 2003 back-ends."""

    proxies: tuple[ProxyEntry, ...] = ()
    """The Client Access servers in front of them."""

    credentials: dict[str, Credential] = Field(default_factory=lambda: {"default": Credential()})
    """Credential sets by name; "default" is used where none is named."""

    winrm: WinrmSection = WinrmSection()
    """The WinRM listeners, unless a server says otherwise."""

    transport: Way = Way.AUTO
    """psrp, winrm (the command shell), or auto: psrp, and winrm where PowerShell remoting is not enabled."""

    guards: GuardSection = GuardSection()
    """What may be changed although something speaks against it."""

    restart: RestartSection = RestartSection()
    """How IIS is made to start afresh after a change."""

    run: RunSection = RunSection()
    """One run over many servers."""

    windows: tuple[WindowEntry, ...] = ()
    """When servers may be changed; at any time where none is named."""

    blackouts: Annotated[tuple[str, ...], Anchored()] = ()
    """Calendar files (.ics): while one of their events lasts, nothing is changed."""

    approval: ApprovalSection = ApprovalSection()
    """Whether somebody else must have agreed."""

    schedule: ScheduleSection = ScheduleSection()
    """What runs by itself, and how two machines keep out of each other's way."""

    notify: tuple[NoticeEntry, ...] = ()
    """Who is told of changes, failures and aborts, and of a window that passed with work left."""

    verify: VerifySection = VerifySection()
    """The proof after a change."""

    retry: PatienceSection = PatienceSection()
    """How patiently servers are asked before a change."""

    timeouts: TimeoutSection = TimeoutSection()
    """How long to wait for a server."""

    journal: Annotated[str, Anchored(may_be_url=True)] = ""
    """The record of runs: a file, or postgresql://user@host/database; journal.db in the user's state directory
    unless given."""

    journal_credentials: str = ""
    """Name of the credential set to log on to PostgreSQL with."""

    logs: LogSection = LogSection()
    """The log file."""


def schema() -> dict[str, Any]:
    """The JSON schema of the configuration file, for editors that complete and check."""
    found = _untitled(Config.model_json_schema())
    for key, kind in (("servers", "ServerEntry"), ("proxies", "ProxyEntry")):
        name = {"type": "string", "description": "Its name, where nothing else is special about it."}
        found["properties"][key]["items"] = {"anyOf": [name, {"$ref": f"#/$defs/{kind}"}]}
    words = {
        "title": "easfix configuration",
        "description": "config.yaml of easfix: which servers, and how to treat them.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, **words}


def _untitled(schema: Any) -> Any:
    """Without the titles that only repeat a key's own name."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _untitled(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
