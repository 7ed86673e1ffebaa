"""How a run behaves: guards, restart, limits, proof, patience, logs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.config.conduct import Limit
from agent.config.section import FilePath, Seconds, Section
from agent.model import RestartMethod


class GuardSection(Section):
    """What may be changed although something speaks against it; each one is refused by default."""

    allow_front_end: bool = False
    """Change an Exchange 2003 front-end, which phones talk to directly and where SSL is usually right."""

    allow_client_certificates: bool = False
    """Change a directory that asks for client certificates (bits 64 and 128)."""

    allow_directory_managed: bool = False
    """Change a clustered server or another than the default virtual server, where Active Directory wins in the end."""

    allow_old_service_pack: bool = False
    """Change a server below Exchange 2003 Service Pack 2."""


class RestartSection(Section):
    """How IIS is made to start afresh after a change."""

    method: RestartMethod = RestartMethod.IISRESET
    """iisreset, recycle (the application pool of the directory only), or none."""

    timeout_seconds: Annotated[int, Field(ge=20, le=3600)] = 120
    """How long iisreset waits for the services to stop (iisreset /noforce /timeout:N)."""

    deadline_seconds: Seconds = 600
    """After this a restart that has not reported its end counts as broken; it is looked at, never repeated."""

    @property
    def patience_seconds(self) -> float:
        """How long its end is waited for: the server gives it up at the deadline, and has to be heard saying so."""
        return self.deadline_seconds + 30

    @model_validator(mode="after")
    def _deadline_is_later(self) -> Self:
        if self.deadline_seconds <= self.timeout_seconds:
            raise ValueError("deadline_seconds must be more than timeout_seconds")
        return self


class RunSection(Section):
    """One run over many servers."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Servers worked on at the same time."""

    max_servers: Annotated[int, Field(ge=1)] = 50
    """More than this many servers in one run are refused unless the command line allows it."""

    canary: Annotated[int, Field(ge=0, le=10)] = 1
    """Servers that go first, one at a time; when one of them fails, the run stops. 0 for none."""

    first_wave: Annotated[int, Field(ge=1)] = 1
    """Servers in the first wave after the canary; none is larger than concurrency."""

    growth: Annotated[float, Field(ge=1, le=10)] = 2
    """Each wave is this many times the one before: 1, 2, 4, 8."""

    max_failures: Limit = 3
    """The run stops when that many servers have failed: a number, or a percentage of the run's servers."""

    restart_proxies: bool = False
    """Restart IIS on the proxies too, one at a time, after the last server."""

    on_failure: Literal["rollback", "leave"] = "rollback"
    """What to do with a server whose change could not be proved."""


class PatienceSection(Section):
    """How often, how long and how patiently a question is put again; a write never is."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Questions at most, the first included."""

    deadline_seconds: Seconds = 60
    """No question begins after this."""

    first_wait_seconds: Seconds = 0.5
    """Wait before the second question; it doubles from then on, and up to half of it is left out at random."""

    longest_wait_seconds: Seconds = 15
    """No wait is longer than this."""


class VerifySection(PatienceSection):
    """The proof after a change."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 12
    """Questions at most, the first included."""

    deadline_seconds: Seconds = 180
    """No question begins after this."""

    first_wait_seconds: Seconds = 1
    """Wait before the second question; it doubles from then on, and up to half of it is left out at random."""

    from_agent: bool = True
    """Ask the back-end from this machine."""

    from_proxies: bool = True
    """Ask the back-end from each of its proxies, the path that matters."""

    end_to_end: bool = True
    """Ask through each proxy as a phone does, where a server has a test_user: OPTIONS and FolderSync over HTTPS."""

    second_look_minutes: Annotated[int, Field(ge=1, le=1440)] = 20
    """When to look again: Active Directory may have put the flag back by then."""


class TimeoutSection(Section):
    """How long to wait for a server."""

    connect_seconds: Seconds = 10
    """For a connection to come about."""

    operation_seconds: Annotated[int, Field(ge=1, le=60)] = 20
    """For the server to hold a WS-Management request open; WinRM 2.0 allows 60 at most."""

    read_seconds: Seconds = 40
    """For an answer on an open connection; longer than operation_seconds."""

    probe_seconds: Seconds = 15
    """For an answer of the web site to a probe."""

    @model_validator(mode="after")
    def _read_is_longer(self) -> Self:
        if self.read_seconds <= self.operation_seconds:
            raise ValueError("read_seconds must be more than operation_seconds, or every quiet server looks dead")
        return self


class LogSection(Section):
    """The log file; standard error is governed by -v and -q."""

    file: FilePath = ""
    """Where the JSON lines go; easfix.log in the user's state directory unless given."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written to the file."""

    max_bytes: Annotated[int, Field(ge=10_000)] = 10_000_000
    """A file of this size is put aside and a new one begun."""

    keep: Annotated[int, Field(ge=1, le=100)] = 5
    """Files put aside that are kept."""
