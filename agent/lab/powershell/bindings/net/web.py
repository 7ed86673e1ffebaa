"""Owns HttpWebRequest and WebClient: real HTTP to the machines of the lab.

A network logon has no credentials to show to another server (domain 6.6): UseDefaultCredentials changes nothing here.
"""

from __future__ import annotations

import http.client
import urllib.parse
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.dotnet.encoding import decode
from agent.lab.powershell.bindings.net.answer import Headers, Response
from agent.lab.powershell.bindings.net.connecting import connect
from agent.lab.powershell.bindings.net.errors import web_error
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, MissingMember, method, prop, register, setter
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_MILLISECONDS = 100_000  # default Timeout of HttpWebRequest
_MOST_REDIRECTS = 50
_REDIRECTS = (301, 302, 303, 307)


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
