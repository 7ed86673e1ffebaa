"""Owns HttpWebRequest, HttpWebResponse and WebClient: real HTTP to the machines of the lab.

A network logon has no credentials to show to another server (domain 6.6): UseDefaultCredentials changes nothing here.
"""

from __future__ import annotations

import http.client
import urllib.parse
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.dotnet.encoding import decode
from agent.lab.powershell.bindings.net.connecting import connect
from agent.lab.powershell.bindings.net.errors import web_error
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, MissingMember, method, prop, register, setter
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue, Long

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_MILLISECONDS = 100_000  # default Timeout of HttpWebRequest
_MOST_REDIRECTS = 50
_REDIRECTS = (301, 302, 303, 307)
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
        self.body = answer.read()

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


class Request(ClrObject):
    """System.Net.HttpWebRequest."""

    TYPE = "System.Net.HttpWebRequest"
    BASES = ("System.Net.WebRequest", "System.MarshalByRefObject")
    SETTINGS = (
        "Accept",
        "AllowAutoRedirect",
        "ContentLength",
        "ContentType",
        "KeepAlive",
        "Method",
        "PreAuthenticate",
        "Proxy",
        "ReadWriteTimeout",
        "Referer",
        "Timeout",
        "UnsafeAuthenticatedConnectionSharing",
        "UseDefaultCredentials",
        "UserAgent",
    )

    def __init__(self, engine: Engine, uri: str) -> None:
        """A request not yet sent."""
        self.engine, self.uri = engine, uri
        self.header_list = Headers()
        self.values: dict[str, Any] = {
            **dict.fromkeys((name.lower() for name in self.SETTINGS), None),
            "method": "GET",
            "timeout": _MILLISECONDS,
            "allowautoredirect": True,
            "keepalive": True,
        }

    def ps_properties(self) -> list[str]:
        """The settings the lab knows."""
        return [*self.SETTINGS, "Headers", "RequestUri"]

    def ps_get(self, name: str) -> Any:
        """A setting, or a member."""
        return self.values[name.lower()] if name.lower() in self.values else super().ps_get(name)

    def ps_set(self, name: str, value: Any) -> None:
        """Change a setting; one the lab does not know is refused."""
        if name.lower() not in self.values:
            raise Refused(f"HttpWebRequest.{name}")
        self.values[name.lower()] = value

    @prop("Headers")
    def headers(self) -> Headers:
        """The request's headers."""
        return self.header_list

    @prop("RequestUri")
    def request_uri(self) -> str:
        """Where it goes."""
        return self.uri

    @prop("Credentials")
    def credentials(self) -> None:
        """None: there is nothing to show."""

    @setter("Headers")
    def set_headers(self, value: Any) -> None:
        """Replace them."""
        self.header_list = value

    @method("Abort")
    def abort(self) -> None:
        """Nothing is under way."""

    @method("GetResponse")
    def get_response(self) -> Response:
        """Send it; WebException for every status of 400 and above and every failure on the way."""
        uri, verb = self.uri, str(self.values["method"]).upper()
        for _ in range(_MOST_REDIRECTS):
            response = self._exchange(uri, verb)
            target = response.header_list.get("Location")
            if response.status not in _REDIRECTS or not self.values["allowautoredirect"] or not target:
                return self._judged(response)
            uri = urllib.parse.urljoin(uri, target)
        raise web_error("ProtocolError", "Too many automatic redirections were attempted.", response)

    def _judged(self, response: Response) -> Response:
        if response.status < 400:
            return response
        name = _TITLES.get(response.status, response.reason)
        text = f"The remote server returned an error: ({response.status}) {name}."
        raise web_error("ProtocolError", text, response)

    def _exchange(self, uri: str, verb: str) -> Response:
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme.lower() != "http":
            raise Refused(f"a web request to {parts.scheme}://")
        host, port = parts.hostname or "", parts.port or 80
        seconds = float(self.values["timeout"]) / 1000 if int(self.values["timeout"]) > 0 else None
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
        try:
            connection.sock = connect(self.engine, host, port, seconds or _MILLISECONDS / 1000)
            connection.request(
                verb,
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                headers=self._request_headers(parts.netloc),
            )
            return Response(uri, verb, connection.getresponse())
        except ClrError as error:
            raise self._failed(error, host) from error
        except TimeoutError as error:
            raise web_error("Timeout", "The operation has timed out") from error
        except (http.client.HTTPException, OSError) as error:
            text = "The underlying connection was closed: An unexpected error occurred on a receive."
            raise web_error("ReceiveFailure", text) from error
        finally:
            connection.close()

    def _failed(self, error: ClrError, host: str) -> ClrError:
        match error.hresult:
            case 11001:
                return web_error("NameResolutionFailure", f"The remote name could not be resolved: '{host}'")
            case 10060:
                return web_error("Timeout", "The operation has timed out")
        return web_error("ConnectFailure", "Unable to connect to the remote server", inner=error)

    def _request_headers(self, host: str) -> dict[str, str]:
        headers = {"Host": host, "Connection": "Close"}
        for setting, header in (("useragent", "User-Agent"), ("accept", "Accept"), ("contenttype", "Content-Type")):
            if self.values[setting]:
                headers[header] = str(self.values[setting])
        headers.update(self.header_list.pairs)
        return headers


# The texts .NET has for the statuses, whatever the server's reason phrase. [HttpStatusDescription]
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Server Unavailable",
    504: "Gateway Timeout",
}


class WebClient(ClrObject):
    """System.Net.WebClient, for reading."""

    TYPE = "System.Net.WebClient"
    BASES = ("System.ComponentModel.Component",)

    def __init__(self, engine: Engine) -> None:
        """A client without credentials."""
        self.engine = engine
        self.header_list = Headers()
        self.last: Response | None = None

    @prop("Headers")
    def headers(self) -> Headers:
        """Headers of each request."""
        return self.header_list

    @prop("ResponseHeaders")
    def response_headers(self) -> Headers | None:
        """Headers of the last answer."""
        return self.last.header_list if self.last else None

    @prop("UseDefaultCredentials")
    def use_default_credentials(self) -> bool:
        """Without effect."""
        return False

    @setter("UseDefaultCredentials")
    def set_use_default_credentials(self, _value: Any) -> None:
        """Without effect."""

    @method("DownloadString")
    def download_string(self, uri: Any) -> str:
        """The body as text."""
        request = Request(self.engine, self.engine.to_string(uri))
        request.header_list = self.header_list
        self.last = request.get_response()
        return decode(self.last.body)

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""

    def ps_call(self, name: str, arguments: Any) -> Any:
        """Everything else of a WebClient is refused by name."""
        try:
            return super().ps_call(name, arguments)
        except MissingMember:
            raise Refused(f"WebClient.{name}") from None


def _create(engine: Engine, uri: Any) -> Request:
    text = engine.to_string(uri)
    parts = urllib.parse.urlsplit(text)
    if not parts.scheme or not parts.hostname:
        raise ClrError(
            "Invalid URI: The format of the URI could not be determined.",
            "System.UriFormatException",
            bases=("System.FormatException",),
        )
    return Request(engine, text)


for _name in ("System.Net.WebRequest", "System.Net.HttpWebRequest"):
    register(ClrType(_name, bases=Request.BASES, static={"Create": _create}))
register(ClrType("System.Net.WebClient", bases=WebClient.BASES, construct=WebClient))
