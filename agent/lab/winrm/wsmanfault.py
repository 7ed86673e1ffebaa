"""Owns the faults the service answers with: the codes and texts of Windows. wsmerror.h, [MS-WSMV] 2.2.4.43"""

from __future__ import annotations

from dataclasses import dataclass

_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
_WSMAN_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_ADDRESSING_ACTION = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault"

# wsmerror.h
ACCESS_DENIED = 5  # ERROR_ACCESS_DENIED
INVALID_PARAMETER = 87  # ERROR_INVALID_PARAMETER
OPERATION_ABORTED = 995  # ERROR_OPERATION_ABORTED
INVALID_ACTION_URI = 2150858753  # ERROR_WSMAN_INVALID_ACTIONURI
NOT_UNDERSTOOD = 2150858768  # ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND
HEADER_REQUIRED = 2150858769  # ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED
OPERATION_TIMED_OUT = 2150858793  # ERROR_WSMAN_OPERATION_TIMEDOUT
INVALID_RESOURCE_URI = 2150858811  # ERROR_WSMAN_INVALID_RESOURCE_URI
SCHEMA_VALIDATION = 2150858817  # ERROR_WSMAN_SCHEMA_VALIDATION_ERROR
INVALID_XML = 2150858819  # ERROR_WSMAN_INVALID_XML
ENVELOPE_EXCEEDED = 2150858824  # ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED
INSUFFICIENT_SELECTORS = 2150858842  # ERROR_WSMAN_INSUFFCIENT_SELECTORS
UNEXPECTED_SELECTORS = 2150858843  # ERROR_WSMAN_UNEXPECTED_SELECTORS
MIN_ENVELOPE = 2150858878  # ERROR_WSMAN_MIN_ENVELOPE_SIZE
INVALID_HEADER = 2150859035  # ERROR_WSMAN_INVALID_HEADER
INVALID_PROVIDER_RESPONSE = 2150859117  # ERROR_WSMAN_INVALID_PROVIDER_RESPONSE
INVALID_STREAM = 2150859147  # ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM
INVALID_DESIRED_STREAM = 2150859149  # ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS
QUOTA_MAX_SHELLS = 2150859173  # ERROR_WSMAN_QUOTA_MAX_SHELLS
QUOTA_MAX_OPERATIONS = 2150859174  # ERROR_WSMAN_QUOTA_MAX_OPERATIONS


@dataclass(eq=False)
class WsmanFault(Exception):  # noqa: N818 - the protocol's own word
    """A request the service refuses; `message` is what a client shows."""

    code: int
    subcode: str  # such as w:InvalidSelectors
    reason: str
    message: str = ""
    detail: str = ""  # the last part of a wsman:faultDetail URI
    sender: bool = True
    relates_to: str = ""

    @property
    def action(self) -> str:
        """The wsa:Action of the answer."""
        return _ADDRESSING_ACTION if self.subcode.startswith("a:") else _WSMAN_ACTION

    @property
    def detail_uri(self) -> str:
        """The text of w:FaultDetail, empty when there is none."""
        return _DETAIL + self.detail if self.detail else ""


_CANNOT = "The WS-Management service cannot process the request. "


def access_denied() -> WsmanFault:
    """The user may not open a shell here."""
    return WsmanFault(ACCESS_DENIED, "w:AccessDenied", "Access is denied. ", "Access is denied. ")


def unencrypted() -> WsmanFault:
    """AllowUnencrypted is off. domain 6.1; the text is ours: Windows sends an empty 500 or this code"""
    text = "Access is denied. Unencrypted traffic is disabled on this service. "
    return WsmanFault(ACCESS_DENIED, "w:AccessDenied", text, text)


def invalid_xml() -> WsmanFault:
    """Not well-formed, or no envelope."""
    text = "The request contains one or more invalid SOAP headers or is not well-formed XML. "
    return WsmanFault(INVALID_XML, "w:SchemaValidationError", _CANNOT + text, _CANNOT + text)


def schema(element: str, relates_to: str = "") -> WsmanFault:
    """The body misses or garbles an element."""
    text = f"The SOAP XML in the message does not match the corresponding XML schema definition ({element}). "
    return WsmanFault(
        SCHEMA_VALIDATION, "w:SchemaValidationError", text, text + "Change the XML and retry. ", relates_to=relates_to
    )


def missing_header(name: str, relates_to: str = "") -> WsmanFault:
    """A WS-Addressing header is missing."""
    text = f"A required header for the message was missing: {name}. "
    return WsmanFault(
        HEADER_REQUIRED, "a:MessageInformationHeaderRequired", text, _CANNOT + text, relates_to=relates_to
    )


def invalid_header(name: str, relates_to: str) -> WsmanFault:
    """A header's value cannot be read."""
    text = f"The header {name} is invalid. "
    return WsmanFault(INVALID_HEADER, "a:InvalidMessageInformationHeader", text, _CANNOT + text, relates_to=relates_to)


def not_understood(tag: str, relates_to: str) -> WsmanFault:
    """A mustUnderstand header nobody here knows."""
    text = f"The SOAP header {tag.rpartition('}')[2]} was marked with mustUnderstand and was not understood. "
    return WsmanFault(NOT_UNDERSTOOD, "s:MustUnderstand", text, _CANNOT + text, relates_to=relates_to)


def unsupported_action(action: str) -> WsmanFault:
    """WinRM 2.0 does not know the action, or not on this resource."""
    text = f"The action {action} is not supported by the service. "
    return WsmanFault(INVALID_ACTION_URI, "a:ActionNotSupported", text, _CANNOT + text)


def unknown_resource(uri: str) -> WsmanFault:
    """The resource is not in the catalogue; also what a session configuration that is not there looks like."""
    text = (
        f"The resource URI ({uri}) was not found in the WS-Management catalog. "
        "The catalog contains the metadata that describes resources, or logical endpoints. "
    )
    return WsmanFault(
        INVALID_RESOURCE_URI, "a:DestinationUnreachable", _CANNOT + text, _CANNOT + text, "InvalidResourceURI"
    )


_SELECTORS = (
    "The WS-Management service cannot process the request because the request contained invalid selectors "
    "for the resource. "
)


def no_shell(shell_id: str) -> WsmanFault:
    """The shell is not there any more, or never was."""
    text = (
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found "
        "on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on "
        "the server. Provide the correct ShellId or create a new shell and retry the operation. "
    )
    return WsmanFault(UNEXPECTED_SELECTORS, "w:InvalidSelectors", _SELECTORS, text, "UnexpectedSelectors")


def no_selector() -> WsmanFault:
    """A request to a shell without saying which."""
    text = (
        "The Windows Remote Shell cannot process the request because it requires the following selector: ShellId. "
        "Retry with the correct selector. "
    )
    return WsmanFault(INSUFFICIENT_SELECTORS, "w:InvalidSelectors", _SELECTORS, text, "InsufficientSelectors")


def no_command() -> WsmanFault:
    """The command is not known to the shell; pypsrp's stop() meets it, since WinRM 2.0 names commands itself."""
    text = "The parameter is incorrect. "
    return WsmanFault(INVALID_PARAMETER, "w:InvalidParameter", text, text, "InvalidValue")


def bad_stream(name: str, *, desired: bool = False) -> WsmanFault:
    """A stream this shell does not have."""
    text = f"The Windows Remote Shell received a request to use the stream {name}, which is not valid for this shell. "
    code = INVALID_DESIRED_STREAM if desired else INVALID_STREAM
    return WsmanFault(code, "w:InvalidParameter", text, text, "InvalidValue")


def operation_timed_out() -> WsmanFault:
    """Nothing to receive within the operation time-out."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout. "
    return WsmanFault(OPERATION_TIMED_OUT, "w:TimedOut", text, text, sender=False)


def aborted() -> WsmanFault:
    """The shell was deleted while the request was waiting."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request. "
    return WsmanFault(OPERATION_ABORTED, "w:InternalError", text, text, sender=False)


def provider_died() -> WsmanFault:
    """The host process ran over MaxMemoryPerShellMB and is gone."""
    text = "The WSMan provider host process did not return a proper response. "
    more = "A provider in the host process may have behaved improperly. "
    return WsmanFault(INVALID_PROVIDER_RESPONSE, "w:InternalError", text, text + more, sender=False)


def too_many_shells(limit: int) -> WsmanFault:
    """MaxShellsPerUser."""
    text = (
        f"{_CANNOT}This user is allowed a maximum number of {limit} concurrent shells, which has been exceeded. "
        "Close existing shells or raise the quota for this user. "
    )
    return WsmanFault(QUOTA_MAX_SHELLS, "w:QuotaLimit", _BUSY, text)


def too_many_commands(limit: int) -> WsmanFault:
    """MaxProcessesPerShell / MaxConcurrentOperationsPerUser, both 15 in WinRM 2.0."""
    text = (
        f"{_CANNOT}This user is allowed a maximum number of {limit} concurrent operations, which has been exceeded. "
        "Close existing operations for this user, or raise the quota for this user. "
    )
    return WsmanFault(QUOTA_MAX_OPERATIONS, "w:QuotaLimit", _BUSY, text)


_BUSY = "The WS-Management service cannot process the request. The service is busy servicing other requests. "


def small_envelope(minimum: int) -> WsmanFault:
    """MaxEnvelopeSize below what any answer needs."""
    text = f"The MaxEnvelopeSize value is too small; the minimum is {minimum} bytes. "
    return WsmanFault(MIN_ENVELOPE, "w:EncodingLimit", _CANNOT + text, _CANNOT + text, "MinimumEnvelopeLimit")


def envelope_exceeded() -> WsmanFault:
    """The answer does not fit into the client's MaxEnvelopeSize."""
    text = "The response that the service computed exceeds the maximum envelope size in the request. "
    return WsmanFault(ENVELOPE_EXCEEDED, "w:EncodingLimit", _CANNOT + text, _CANNOT + text, "MaxEnvelopeSizeExceeded")
