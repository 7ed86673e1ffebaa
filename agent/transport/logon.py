"""Owns the logon of a visit: one attempt on one connection, by Kerberos, Negotiate or NTLM; then the sealing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import sys
from enum import Enum
from typing import Any

import requests
import spnego
from cryptography import x509
from requests.auth import AuthBase
from spnego._ntlm_raw.crypto import lmowfv1, ntowfv1
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import FeatureMissingError, SpnegoError

from agent.model import Auth
from agent.transport.credentials import Credentials
from agent.transport.faults import Stage, describe
from agent.transport.gate import Blame
from agent.transport.translation import blame
from agent.transport.wire import Line

SERVICE = "HTTP"  # the service name that Windows' own WinRM client asks a ticket for
SEALED = "multipart/encrypted"  # [MS-WSMV] 2.2.9.1
_TOKEN = re.compile(r"(?:Negotiate|Kerberos)\s+([A-Za-z0-9+/=]+)", re.IGNORECASE)


class NoKerberos(Exception):  # noqa: N818 - a fact, translated at the door
    """Kerberos was asked for and this machine cannot."""


class NoNegotiate(Exception):  # noqa: N818 - as above
    """The server does not offer Negotiate."""


class TicketRefused(Exception):  # noqa: N818 - as above
    """The domain gave a ticket, so the account is right, and the server refused it."""


class Unsealed(Exception):  # noqa: N818 - as above
    """An answer that must be encrypted is not."""


class _State(Enum):
    NEW = "new"
    TALKING = "talking"
    DONE = "done"


class Logon(AuthBase):
    """Logs the connection on with its first request and never again.

    Over http the token goes with the first request, which saves a round; over https the server is met first, because
    the token is bound to its certificate. `contexts` is what pypsrp seals messages with.
    """

    def __init__(self, credentials: Credentials, auth: Auth, fqdn: str, line: Line, *, seals: bool) -> None:
        self.contexts: dict[str, Any] = {}
        self.context: Any = None
        self._credentials = credentials
        self._auth = auth
        self._fqdn = fqdn
        self._line = line
        self._seals = seals
        self._state = _State.NEW

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Prepare a request: called by requests for each one."""
        request.headers["Connection"] = "Keep-Alive"
        request.hooks["response"] = [self._answered]
        if self._state is _State.NEW and self._seals:
            self._attach(request, self._begin(None))
        return request

    def _answered(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        if self._state is _State.NEW and response.status_code == 401:
            response = self._resend(response, self._begin(self._line.certificate), kwargs)
        while self._state is _State.TALKING:
            token = self._token(response)
            answer = None
            if token and not self.context.complete:
                answer = self.context.step(token, channel_bindings=self._binding(self._line.certificate))
            if response.status_code != 401:
                self._state = _State.DONE
            elif answer:
                response = self._resend(response, answer, kwargs)
            else:
                return self._refused(response)
        self._check_sealed(response)
        return response

    def _begin(self, certificate: bytes | None) -> bytes:
        self.context, token = self._first(self._binding(certificate))
        self.contexts = _Everywhere(self.context)
        self.context.response_auth_header = "negotiate"  # pypsrp asks: which kind of sealing ([MS-WSMV] 2.2.9.1)
        self._state = _State.TALKING
        return token

    def _first(self, binding: GssChannelBindings | None) -> tuple[Any, bytes]:
        """A context and its first token.

        Off Windows, pyspnego's own Negotiate asks the KDC and, after any refusal, the server by NTLM: a wrong password
        would count twice. So Negotiate is done here: NTLM only where Kerberos did not get as far as the password.
        """
        if self._auth is not Auth.NEGOTIATE or sys.platform == "win32":
            return self._client(self._auth, binding)
        if not self._credentials.is_principal:
            return self._client(Auth.NTLM, binding)
        try:
            return self._client(Auth.KERBEROS, binding)
        except logon_errors() as error:
            if self._credentials.password is None or blame(describe(error, Stage.OPENING)) is Blame.CERTAINLY:
                raise
            return self._client(Auth.NTLM, binding)

    def _client(self, auth: Auth, binding: GssChannelBindings | None) -> tuple[Any, bytes]:
        secret = self._credentials.password
        if secret is not None and auth is Auth.NTLM and sys.platform != "win32":
            secret = secret.once(_hashes)
        try:
            context = spnego.client(
                self._credentials.user or None,
                secret.reveal() if secret else None,
                hostname=self._fqdn,
                service=SERVICE,
                channel_bindings=binding,
                protocol=auth.value,
                options=spnego.NegotiateOptions.wrapping_winrm if self._seals else spnego.NegotiateOptions.none,
            )
            return context, context.step() or b""
        except (FeatureMissingError, ImportError) as error:
            raise NoKerberos(str(error)) from error

    def _refused(self, response: requests.Response) -> requests.Response:
        """Over: nothing is sent again. The caller sees the 401."""
        offered = response.headers.get("WWW-Authenticate", "")
        if "negotiate" not in offered.lower():
            raise NoNegotiate(f"the server offers no Negotiate logon, but {offered or 'none at all'}")
        self._state = _State.DONE
        if self.context.negotiated_protocol == "kerberos":
            raise TicketRefused("the server refused the Kerberos ticket")
        return response

    def _resend(self, response: requests.Response, token: bytes, kwargs: dict[str, Any]) -> requests.Response:
        request = response.request.copy()
        self._attach(request, token)
        adapter = response.connection
        again: requests.Response = adapter.send(request, **kwargs)
        again.history.append(response)
        return again

    def _attach(self, request: requests.PreparedRequest, token: bytes) -> None:
        request.headers["Authorization"] = "Negotiate " + base64.b64encode(token).decode("ascii")

    def _token(self, response: requests.Response) -> bytes | None:
        match = _TOKEN.search(response.headers.get("WWW-Authenticate", ""))
        try:
            return base64.b64decode(match[1]) if match else None
        except binascii.Error:
            return None

    def _binding(self, certificate: bytes | None) -> GssChannelBindings | None:
        if certificate is None:
            return None
        return GssChannelBindings(application_data=b"tls-server-end-point:" + _fingerprint(certificate))

    def _check_sealed(self, response: requests.Response) -> None:
        """A proxy, or somebody in between, could answer instead of the server; only the server has the key."""
        if not self._seals or not response.ok:
            return
        is_sealed = response.headers.get("Content-Type", "").startswith(SEALED)
        if not self.context.complete or (response.content and not is_sealed):
            raise Unsealed("an answer without encryption")


class _Everywhere(dict[str, Any]):
    """pypsrp looks for the context by host name; there is one host and one context."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._context = context

    def __missing__(self, host: str) -> Any:
        return self._context


def _hashes(password: str) -> str:
    """What NTLM knows of a password, in the form in which pyspnego takes it instead.

    pyspnego would go through DES and MD4 in Python for each server, which is a tenth of a visit's time.
    """
    return f"{lmowfv1(password).hex()}:{ntowfv1(password).hex()}"


def _fingerprint(certificate: bytes) -> bytes:
    """RFC 5929 section 4.1: the certificate's own hash, but SHA-256 for anything older."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    name = "sha256" if algorithm is None or algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, certificate).digest()


def logon_errors() -> tuple[type[Exception], ...]:
    """What a logon fails with before the server has a say. A KDC's refusal comes as krb5's own error."""
    krb5 = sys.modules.get("krb5")  # loaded by pyspnego where Kerberos is available
    return (NoKerberos, NoNegotiate, TicketRefused, Unsealed, SpnegoError, *((krb5.Krb5Error,) if krb5 else ()))
