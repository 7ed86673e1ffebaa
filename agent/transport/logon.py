"""Owns the logon of a visit: one attempt on one connection, by Kerberos, Negotiate or NTLM; then the sealing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

import requests
import spnego
from cryptography import x509
from requests.auth import AuthBase
from spnego import ContextReq
from spnego._ntlm import NTLMProxy
from spnego._ntlm_raw.crypto import lmowfv1, ntowfv1
from spnego._ntlm_raw.messages import NegotiateFlags
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import FeatureMissingError, SpnegoError

from agent.model import Auth
from agent.transport.credentials import Credentials
from agent.transport.faults import Stage, describe
from agent.transport.gate import Blame
from agent.transport.translation import blame
from agent.transport.wire import Elsewhere, Line

SERVICE = "HTTP"  # the service name that Windows' own WinRM client asks a ticket for
SEALED = "multipart/encrypted"  # [MS-WSMV] 2.2.9.1; like every media type, in any case (RFC 9110 8.3.1)
_SOAP = "application/soap+xml"
_TOKEN = re.compile(r"(?:Negotiate|Kerberos)\s+([A-Za-z0-9+/=]+)", re.IGNORECASE)


class NoKerberos(Exception):  # noqa: N818 - a fact, translated at the door
    """Kerberos was asked for and this machine cannot."""


class NoNegotiate(Exception):  # noqa: N818 - as above
    """The server does not offer Negotiate."""


class TicketRefused(Exception):  # noqa: N818 - as above
    """The domain gave a ticket, so the account is right, and the server refused it."""


class Unsealed(Exception):  # noqa: N818 - as above
    """An answer that must be encrypted is not."""


class Weakened(Exception):  # noqa: N818 - as above
    """The logon came to less protection than we asked for, which somebody in between could have brought about."""


_PROTECTED = ContextReq.integrity | ContextReq.confidentiality
_STRONG = (
    NegotiateFlags.sign
    | NegotiateFlags.seal
    | NegotiateFlags.extended_session_security
    | NegotiateFlags.key_exch
    | NegotiateFlags.key_128
)
"""What a server from Windows 2000 on agrees to ([MS-NLMP] 2.2.2.5).

A challenge is not protected, and without these flags a signature is a constant, or a checksum over a cipher that
anybody can turn bits in. A Server 2003 sends no time, so there is no MIC that would tell of a change.
"""


class _State(Enum):
    NEW = "new"
    TALKING = "talking"
    DONE = "done"


class Logon(AuthBase):
    """Logs the connection on with its first request and never again.

    Over http the token goes with the first request, which saves a round; over https the server is met first, because
    the token is bound to its certificate. Who sends the messages calls `begin`, `follow` after each answer, and
    `check`; requests calls the object itself. `context` is what messages are sealed with. `accepted` is called when the
    server has proved that it took the logon: over http by its first sealed answer, for anybody could just say yes.

    `has_tried` is set once something has left that counts against the account if the password is wrong, whatever is
    answered; `is_proved` once the server has proved that it was right.
    """

    def __init__(
        self,
        credentials: Credentials,
        auth: Auth,
        fqdn: str,
        line: Line,
        *,
        seals: bool,
        accepted: Callable[[], None] = lambda: None,
    ) -> None:
        self.context: Any = None
        self._credentials = credentials
        self._auth = auth
        self._fqdn = fqdn
        self._line = line
        self._seals = seals
        self._accepted = accepted
        self._state = _State.NEW
        self._is_protected = False
        self.has_tried = False
        self.is_proved = False

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Prepare a request: called by requests for each one."""
        request.headers["Connection"] = "Keep-Alive"
        request.hooks["response"] = [self._answered]
        if self._state is _State.NEW and self._seals:
            request.headers["Authorization"] = authorization(self.begin())
        return request

    def _answered(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        if self._state is _State.NEW and response.status_code == 401:
            response = self._resend(response, self.begin(), kwargs)
        while self._state is _State.TALKING:
            token = self.follow(response.status_code, response.headers.get("WWW-Authenticate", ""))
            if token is not None:
                response = self._resend(response, token, kwargs)
        self.check(response.status_code, response.headers.get("Content-Type", ""), response.content)
        return response

    def begin(self) -> bytes:
        """The first token."""
        self.context, token = self._first(self._binding(self._line.certificate))
        self._state = _State.TALKING
        return token

    def follow(self, status: int, offered: str) -> bytes | None:
        """The token that an answer asks for, by its HTTP status and its WWW-Authenticate; None when all is said.

        After a refusal the caller has the 401, or an exception that says more. Nothing is sent again.
        """
        token = _token(offered)
        answer = None
        if token and not self.context.complete:
            answer = self._step(token)
            self._require_protection()
        if status == 401 and answer:
            # A ticket says nothing of the password: the domain has accepted it already.
            self.has_tried = self.has_tried or self.context.negotiated_protocol != "kerberos"
            return bytes(answer)
        if status == 401 and "negotiate" not in offered.lower() and not self.has_tried:
            raise NoNegotiate(f"the server offers no Negotiate logon, but {offered or 'none at all'}")
        self._state = _State.DONE
        if status == 401 and self.context.negotiated_protocol == "kerberos":
            raise TicketRefused(_REFUSED)
        return None

    def check(self, status: int, content_type: str, content: bytes) -> None:
        """A proxy, or somebody in between, could answer instead of the server; only the server has the key.

        Of an error without encryption nothing but its number is taken, which proves nothing.
        """
        kind = content_type.lower()
        if 300 <= status < 400:
            raise Elsewhere("a redirect, which WinRM never sends")
        is_complete = self.context is not None and self.context.complete
        if self._seals and status < 300:
            if not is_complete or (content and not kind.startswith(SEALED)):
                raise Unsealed("an answer without encryption")
            self._require_protection()
        # Over https the certificate says who speaks; and only a service that let us in speaks SOAP.
        is_logged_on = is_complete and (self.has_tried or self.context.negotiated_protocol == "kerberos")
        if not self._seals and is_logged_on and kind.startswith(_SOAP) and (status < 300 or status == 500):
            self.prove()

    def prove(self) -> None:
        """The server has shown that it took this logon."""
        self.is_proved = True
        self._accepted()

    def _step(self, token: bytes) -> Any:
        """What a token of the server leads to."""
        try:
            return self.context.step(token, channel_bindings=self._binding(self._line.certificate))
        except logon_errors() as error:
            if (found := from_server(error)) is error:
                raise
            raise found from None  # what is below it would be read as the domain's word

    def _require_protection(self) -> None:
        """Weakened where messages cannot be sealed as they must be: before the password is at stake."""
        if self._is_protected or not self._seals or not self.context.complete:
            return
        if self.context.context_attr & _PROTECTED != _PROTECTED:
            raise Weakened("no signatures or no encryption")
        if isinstance(self.context, NTLMProxy) and self.context._context_attr & _STRONG != _STRONG:
            raise Weakened("old signatures, or keys of less than 128 bits")
        self._is_protected = True

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

    def _resend(self, response: requests.Response, token: bytes, kwargs: dict[str, Any]) -> requests.Response:
        request = response.request.copy()
        request.headers["Authorization"] = authorization(token)
        adapter = response.connection
        again: requests.Response = adapter.send(request, **kwargs)
        again.history.append(response)
        return again

    def _binding(self, certificate: bytes | None) -> GssChannelBindings | None:
        if certificate is None:
            return None
        return GssChannelBindings(application_data=b"tls-server-end-point:" + _fingerprint(certificate))


def authorization(token: bytes) -> str:
    """The value of the Authorization header that carries a token."""
    return "Negotiate " + base64.b64encode(token).decode("ascii")


def _token(offered: str) -> bytes | None:
    match = _TOKEN.search(offered)
    try:
        return base64.b64decode(match[1]) if match else None
    except binascii.Error:
        return None


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


_REFUSED = "the server refused the Kerberos ticket"


def from_server(error: Exception) -> Exception:
    """What an error means that a token of the server has led to.

    A KRB-ERROR in it can say whatever the domain would say of the account, and anybody can make one (RFC 4120 5.9.1:
    it bears no key): of the account it says nothing. Only what is asked of the domain itself does.
    """
    return TicketRefused(_REFUSED) if blame(describe(error, Stage.OPENING)) is Blame.CERTAINLY else error


def logon_errors() -> tuple[type[Exception], ...]:
    """What a logon fails with before the server has a say. A KDC's refusal comes as krb5's own error."""
    krb5 = sys.modules.get("krb5")  # loaded by pyspnego where Kerberos is available
    return (NoKerberos, SpnegoError, *((krb5.Krb5Error,) if krb5 else ()))
