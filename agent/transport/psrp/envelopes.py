"""Owns how pypsrp's requests become envelopes, from text.

pypsrp's own way builds a tree for every header. What is sent is the same, and so are the errors.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pypsrp import exceptions
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSMan

_PREFIXES = ("s", "wsa", "wsman", "wsmv")
_OPENING = f"<s:Envelope {' '.join(f'xmlns:{each}={quoteattr(NAMESPACES[each])}' for each in _PREFIXES)}><s:Header>"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"

_payloads: dict[tuple[int, int], int] = {}
"""How many bytes of a script fit into an envelope of a size, by that size and the length of the address."""


class Envelopes(WSMan):
    """WS-Management over a transport of ours."""

    transport: Any

    def invoke(
        self,
        action: str,
        resource_uri: str,
        resource: ET.Element | None,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
        *,
        retries_on_read_timeout: int = 0,
    ) -> ET.Element:
        """Send a request and return the envelope of the answer. Nothing is sent twice, whatever pypsrp asks for."""
        message = f"uuid:{str(uuid.uuid4()).upper()}"
        header = self._header(message, action, resource_uri, timeout or self.operation_timeout)
        sets = "".join(_set(each) for each in (option_set, selector_set) if each is not None)
        body = "" if resource is None else ET.tostring(resource, encoding="unicode")
        text = f"{_OPENING}{header}{sets}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        try:
            answer = ET.fromstring(self.transport.send(text.encode("utf-8")))
        except exceptions.WinRMTransportError as error:
            raise self._fault(error) from error
        if answer.findtext("s:Header/wsa:RelatesTo", namespaces=NAMESPACES) != message:
            raise exceptions.WinRMError("the answer is not one to what was asked")
        return answer

    def _header(self, message: str, action: str, resource_uri: str, seconds: int) -> str:
        must, may = 's:mustUnderstand="true"', 's:mustUnderstand="false"'
        return (
            f"<wsa:Action {must}>{escape(action)}</wsa:Action>"
            f"<wsmv:DataLocale {may} xml:lang={quoteattr(self.data_locale)}/>"
            f"<wsman:Locale {may} xml:lang={quoteattr(self.locale)}/>"
            f"<wsman:MaxEnvelopeSize {must}>{self.max_envelope_size}</wsman:MaxEnvelopeSize>"
            f"<wsa:MessageID>{message}</wsa:MessageID>"
            f"<wsman:OperationTimeout>PT{seconds}S</wsman:OperationTimeout>"
            f"<wsa:ReplyTo><wsa:Address {must}>{_ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
            f"<wsman:ResourceURI {must}>{escape(resource_uri)}</wsman:ResourceURI>"
            f"<wsmv:SessionId {may}>uuid:{self.session_id.upper()}</wsmv:SessionId>"
            f"<wsa:To>{escape(self.transport.endpoint)}</wsa:To>"
        )

    def _fault(self, error: exceptions.WinRMTransportError) -> exceptions.WinRMError:
        """The fault of WS-Management that an error of HTTP carries; the error itself where it carries none."""
        try:
            return self._parse_wsman_fault(error.response_text)
        except ET.ParseError:
            return error

    def _calc_envelope_size(self, max_envelope_size: int) -> int:
        key = max_envelope_size, len(self.transport.endpoint)
        if key not in _payloads:
            _payloads[key] = super()._calc_envelope_size(max_envelope_size)
        return _payloads[key]


def _set(given: OptionSet | SelectorSet) -> str:
    must = ' s:mustUnderstand="true"' if given.must_understand else ""
    values = "".join(_member(given.child_element_name, *value) for value in given.values)
    return f"<wsman:{given.element_name}{must}>{values}</wsman:{given.element_name}>"


def _member(element: str, name: str, value: str, attributes: dict[str, str]) -> str:
    more = "".join(f" {key}={quoteattr(given)}" for key, given in attributes.items())
    return f"<wsman:{element} Name={quoteattr(name)}{more}>{escape(str(value))}</wsman:{element}>"
