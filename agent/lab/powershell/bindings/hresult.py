"""Owns how a Windows error code becomes the exception a script catches: text, type, HRESULT."""

from __future__ import annotations

from agent.lab.powershell.clr import ClrError

COM_EXCEPTION = "System.Runtime.InteropServices.COMException"
COM_BASES = ("System.Runtime.InteropServices.ExternalException",)
DIRECTORY_EXCEPTION = "System.DirectoryServices.DirectoryServicesCOMException"
ACCESS_EXCEPTION = "System.UnauthorizedAccessException"
INVOCATION_EXCEPTION = "System.Reflection.TargetInvocationException"

E_FAIL = 0x80004005
FILE_NOT_FOUND = 0x80070002
PATH_NOT_FOUND = 0x80070003
ACCESS_DENIED = 0x80070005
FILE_EXISTS = 0x80070050
INVALID_PARAMETER = 0x80070057
DISK_FULL = 0x80070070
ALREADY_EXISTS = 0x800700B7
NO_MORE_ITEMS = 0x80070103
SERVICE_DISABLED = 0x80070422
RPC_UNAVAILABLE = 0x800706BA
EXECUTION_FAILED = 0x80080005
UNKNOWN_NAME = 0x80020006
TYPE_MISMATCH = 0x80020005
BAD_PARAMETER_COUNT = 0x8002000E
DATA_NOT_FOUND = 0x800CC801  # MD_ERROR_DATA_NOT_FOUND, IIS SDK "GetDataPaths"
BAD_PATHNAME = 0x80005000  # E_ADS_BAD_PATHNAME; this and the next: adserr.h
PROPERTY_NOT_SUPPORTED = 0x80005006
CANT_CONVERT = 0x8000500C
PROPERTY_NOT_FOUND = 0x8000500D
OPERATIONS_ERROR = 0x80072020
UNWILLING = 0x80072035
NO_SUCH_OBJECT = 0x80072030
NOT_OPERATIONAL = 0x8007203A
INVALID_DN = 0x80072032

# DirectoryEntry asks FormatMessage, whose text ends in CR LF; codes it does not know become "Unknown error (0x...)".
TEXTS = {
    FILE_NOT_FOUND: "The system cannot find the file specified.",
    PATH_NOT_FOUND: "The system cannot find the path specified.",
    ACCESS_DENIED: "Access is denied.",
    FILE_EXISTS: "The file exists.",
    INVALID_PARAMETER: "The parameter is incorrect.",
    DISK_FULL: "There is not enough space on the disk.",
    ALREADY_EXISTS: "Cannot create a file when that file already exists.",
    NO_MORE_ITEMS: "No more data is available.",
    SERVICE_DISABLED: (
        "The service cannot be started, either because it is disabled or because it has no enabled devices "
        "associated with it."
    ),
    RPC_UNAVAILABLE: "The RPC server is unavailable.",
    EXECUTION_FAILED: "Server execution failed",
    UNKNOWN_NAME: "Unknown name.",
    TYPE_MISMATCH: "Type mismatch.",
    BAD_PARAMETER_COUNT: "Invalid number of parameters.",
    E_FAIL: "Unspecified error",
    PROPERTY_NOT_FOUND: "The directory property cannot be found in the cache.",
    OPERATIONS_ERROR: "An operations error occurred.",
    UNWILLING: "The server is unwilling to process the request.",
    NO_SUCH_OBJECT: "There is no such object on the server.",
    NOT_OPERATIONAL: "The server is not operational.",
    INVALID_DN: "An invalid dn syntax has been specified.",
}


def signed(code: int) -> int:
    """The code as .NET shows it in ErrorCode: a signed 32-bit number."""
    return code - 0x100000000 if code & 0x80000000 else code


def text_of(code: int) -> str:
    """The message DirectoryEntry shows for a code, with the line end FormatMessage leaves on it."""
    if code in TEXTS:
        return TEXTS[code] + "\r\n"
    return f"Unknown error (0x{code:08x})"


def com_error(code: int, message: str | None = None) -> ClrError:
    """A COMException with the system's text for the code."""
    return ClrError(message or text_of(code), COM_EXCEPTION, bases=COM_BASES, hresult=signed(code))


def directory_error(code: int) -> ClrError:
    """The COMException LDAP raises when the server itself gave extended error information."""
    return ClrError(text_of(code), DIRECTORY_EXCEPTION, bases=(COM_EXCEPTION, *COM_BASES), hresult=signed(code))


def access_error(message: str = "Access is denied. (Exception from HRESULT: 0x80070005 (E_ACCESSDENIED))") -> ClrError:
    """An UnauthorizedAccessException, as interop makes it of E_ACCESSDENIED."""
    return ClrError(message, ACCESS_EXCEPTION, hresult=signed(ACCESS_DENIED))
