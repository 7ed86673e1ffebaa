"""The whole configuration."""

from typing import Annotated, Any

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

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


class Config(Section, BaseSettings):
    """Everything that can be set; made by `load`, which is where the environment comes in."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
    )

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

    blackouts: tuple[Annotated[str, Anchored()], ...] = ()
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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what `load` has put together: a Config made by hand does not depend on the environment."""
        return (init_settings,)


def schema() -> dict[str, Any]:
    """The JSON schema of the configuration file, for editors that complete and check."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
