"""Owns the errors of the world: each says what Windows would say, in text, kind and HRESULT."""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """What went wrong, for a binding that must choose a .NET exception."""

    FILE_NOT_FOUND = "file not found"
    PATH_NOT_FOUND = "path not found"
    ALREADY_EXISTS = "already exists"
    NOT_EMPTY = "directory not empty"
    DISK_FULL = "disk full"
    SHARING_VIOLATION = "sharing violation"
    ACCESS_DENIED = "access denied"
    INVALID_ARGUMENT = "invalid argument"
    NO_SUCH_PROPERTY = "no such property"
    RPC_UNAVAILABLE = "rpc server unavailable"
    OPERATIONS_ERROR = "operations error"
    NO_SUCH_OBJECT = "no such object"
    BAD_FILTER = "bad search filter"
    SERVICE_UNKNOWN = "service does not exist"
    SERVICE_RUNNING = "service already running"
    SERVICE_NOT_STARTED = "service not started"
    SERVICE_DISABLED = "service disabled"
    SERVICE_BUSY = "service cannot accept control"
    SERVICE_TIMEOUT = "service did not respond in time"
    DEPENDENTS_RUNNING = "dependent services running"
    DEPENDENCY_FAILED = "dependency failed to start"
    RESOURCE_DISABLED = "resource disabled"


# Text and HRESULT of each kind: winerror.h; ADSI ones from adserr.h.
_TEXTS: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.FILE_NOT_FOUND: (0x80070002, "The system cannot find the file specified."),
    ErrorKind.PATH_NOT_FOUND: (0x80070003, "The system cannot find the path specified."),
    ErrorKind.ALREADY_EXISTS: (0x800700B7, "Cannot create a file when that file already exists."),
    ErrorKind.NOT_EMPTY: (0x80070091, "The directory is not empty."),
    ErrorKind.DISK_FULL: (0x80070070, "There is not enough space on the disk."),
    ErrorKind.SHARING_VIOLATION: (
        0x80070020,
        "The process cannot access the file because it is being used by another process.",
    ),
    ErrorKind.ACCESS_DENIED: (0x80070005, "Access is denied."),
    ErrorKind.INVALID_ARGUMENT: (0x80070057, "The parameter is incorrect."),
    ErrorKind.NO_SUCH_PROPERTY: (0x80005006, "The property is not supported by the object."),
    ErrorKind.RPC_UNAVAILABLE: (0x800706BA, "The RPC server is unavailable."),
    ErrorKind.OPERATIONS_ERROR: (0x80072020, "An operations error occurred."),
    ErrorKind.NO_SUCH_OBJECT: (0x80072030, "There is no such object on the server."),
    ErrorKind.BAD_FILTER: (0x8007203E, "The search filter is invalid."),
    ErrorKind.SERVICE_UNKNOWN: (0x80070424, "The specified service does not exist as an installed service."),
    ErrorKind.SERVICE_RUNNING: (0x80070420, "An instance of the service is already running."),
    ErrorKind.SERVICE_NOT_STARTED: (0x80070426, "The service has not been started."),
    ErrorKind.SERVICE_DISABLED: (
        0x80070422,
        "The service cannot be started, either because it is disabled or because it has no enabled devices "
        "associated with it.",
    ),
    ErrorKind.SERVICE_BUSY: (0x80070425, "The service cannot accept control messages at this time."),
    ErrorKind.SERVICE_TIMEOUT: (
        0x8007041D,
        "The service did not respond to the start or control request in a timely fashion.",
    ),
    ErrorKind.DEPENDENTS_RUNNING: (
        0x8007041B,
        "A stop control has been sent to a service that other running services are dependent on.",
    ),
    ErrorKind.DEPENDENCY_FAILED: (0x8007042C, "The dependency service or group failed to start."),
    ErrorKind.RESOURCE_DISABLED: (0x800710D5, "A resource required for this operation is disabled."),
}


class WorldError(Exception):
    """An operation Windows refuses; `about` names the thing, `message` is the system's own text."""

    def __init__(self, kind: ErrorKind, about: str = "", *, message: str | None = None) -> None:
        self.hresult, text = _TEXTS[kind]
        self.kind = kind
        self.about = about
        self.message = message or text
        super().__init__(f"{self.message} ({about})" if about else self.message)

    @property
    def code(self) -> int:
        """The Win32 code inside the HRESULT, such as 1051; what NET and SC print."""
        return self.hresult & 0xFFFF
