"""Owns HttpWebResponse, header collections and the enumeration of statuses."""

from __future__ import annotations

import http.client
from typing import Any

from agent.lab.powershell.clr import ClrObject, method, prop
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue, Long

STATUS_CODE = register_enum(
    EnumKind(
        "System.Net.HttpStatusCode",
        {
            "Continue": 100,
            "OK": 200,
            "Created": 201,
            "Accepted": 202,
            "NoContent": 204,
            "PartialContent": 206,
            "Moved": 301,
            "MovedPermanently": 301,
            "Found": 302,
            "Redirect": 302,
            "RedirectMethod": 303,
            "NotModified": 304,
            "TemporaryRedirect": 307,
            "BadRequest": 400,
            "Unauthorized": 401,
            "Forbidden": 403,
            "NotFound": 404,
            "MethodNotAllowed": 405,
            "NotAcceptable": 406,
            "RequestTimeout": 408,
            "Conflict": 409,
            "Gone": 410,
            "LengthRequired": 411,
            "RequestEntityTooLarge": 413,
            "UnsupportedMediaType": 415,
            "InternalServerError": 500,
            "NotImplemented": 501,
            "BadGateway": 502,
            "ServiceUnavailable": 503,
            "GatewayTimeout": 504,
        },
    )
)


MOST_BODY = 1 << 20
"""Bytes of a body that a script can look at; one that never ends must not fill the lab's memory."""


class Headers(ClrObject):
    """System.Net.WebHeaderCollection."""

    TYPE = "System.Net.WebHeaderCollection"
    BASES = ("System.Collections.Specialized.NameValueCollection",)

    def __init__(self, pairs: list[tuple[str, str]] | None = None) -> None:
        """Names and values in order."""
        self.pairs = list(pairs or ())

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    @prop("AllKeys")
    def all_keys(self) -> list[str]:
        """The names."""
        return list(dict.fromkeys(key for key, _ in self.pairs))

    @prop("Count")
    def count(self) -> int:
        """How many names."""
        return len(self.all_keys())

    @prop("Keys")
    def keys(self) -> list[str]:
        """The names."""
        return self.all_keys()

    @method("Get")
    def get(self, name: Any) -> str | None:
        """The values, joined by commas; $null where there is none."""
        return ",".join(self.values(str(name))) or None

    @method("GetValues")
    def get_values(self, name: Any) -> list[str] | None:
        """The values as an array."""
        return self.values(str(name)) or None

    @method("Add")
    def add(self, name: Any, value: Any = None) -> None:
        """Add a header: (name, value) or "name: value"."""
        key, text = (str(name), str(value)) if value is not None else str(name).split(":", 1)
        self.pairs.append((key.strip(), text.strip()))

    @method("Set")
    def set(self, name: Any, value: Any) -> None:
        """Replace a header."""
        self.pairs = [pair for pair in self.pairs if pair[0].lower() != str(name).lower()]
        self.pairs.append((str(name), str(value)))

    def ps_index(self, key: Any) -> Any:
        """`$headers['Name']`."""
        return self.get(key) if isinstance(key, str) else self.all_keys()[int(key)]

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$headers['Name'] = value`."""
        self.set(key, value)

    def ps_string(self) -> str:
        """All of them."""
        return "".join(f"{key}: {value}\r\n" for key, value in self.pairs) + "\r\n"


class BodyStream(ClrObject):
    """The body, read through a StreamReader."""

    TYPE = "System.Net.ConnectStream"
    BASES = ("System.IO.Stream",)

    def __init__(self, content: bytes) -> None:
        """The whole body."""
        self.content = bytearray(content)
        self.position_value = 0

    def take(self, count: int | None = None) -> bytes:
        """The next bytes."""
        end = len(self.content) if count is None else self.position_value + count
        chunk = bytes(self.content[self.position_value : end])
        self.position_value += len(chunk)
        return chunk

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""


class Response(ClrObject):
    """System.Net.HttpWebResponse."""

    TYPE = "System.Net.HttpWebResponse"
    BASES = ("System.Net.WebResponse", "System.MarshalByRefObject")

    def __init__(self, uri: str, verb: str, answer: http.client.HTTPResponse) -> None:
        """The answer, read to its end."""
        self.uri, self.verb = uri, verb
        self.status, self.reason = answer.status, answer.reason
        self.header_list = Headers(answer.getheaders())
        self.body = answer.read(MOST_BODY)

    @prop("StatusCode")
    def status_code(self) -> EnumValue:
        """The status as an enumeration value."""
        return STATUS_CODE(self.status)

    @prop("StatusDescription")
    def status_description(self) -> str:
        """The reason phrase."""
        return self.reason

    @prop("Headers")
    def headers(self) -> Headers:
        """The answer's headers."""
        return self.header_list

    @prop("ContentLength")
    def content_length(self) -> Long:
        """As the header says, -1 without."""
        return Long(int(self.header_list.get("Content-Length") or -1))

    @prop("ContentType")
    def content_type(self) -> str:
        """As the header says."""
        return self.header_list.get("Content-Type") or ""

    @prop("Server")
    def server(self) -> str:
        """As the header says."""
        return self.header_list.get("Server") or ""

    @prop("ResponseUri")
    def response_uri(self) -> str:
        """Where the answer came from."""
        return self.uri

    @prop("Method")
    def verb_used(self) -> str:
        """The request's method."""
        return self.verb

    @method("GetResponseHeader")
    def response_header(self, name: Any) -> str:
        """A header's value, empty without."""
        return self.header_list.get(name) or ""

    @method("GetResponseStream")
    def stream(self) -> BodyStream:
        """The body."""
        return BodyStream(self.body)

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""
