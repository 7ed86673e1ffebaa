"""What an envelope must not hold."""

from __future__ import annotations

import pytest

from agent.transport.envelope import BadEnvelope, plainly

SMALL = '<!DOCTYPE a [<!ATTLIST a x CDATA "{}">]><a/>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<s:Envelope/>",
        b'<?xml version="1.0"?><s:Envelope/>',
        b'<?xml version="1.0" encoding="utf-8"?><s:Envelope/>',
        b"<?xml version='1.0' encoding = 'UTF-8' standalone='yes'?><s:Envelope/>",
        b"\xef\xbb\xbf<s:Envelope/>",
        "<s:Envelope>é &lt;!DOCTYPE</s:Envelope>".encode(),
    ],
)
def test_what_winrm_sends_stays_as_it_is(content: bytes) -> None:
    assert plainly(content) == content


@pytest.mark.parametrize(
    "content",
    [
        SMALL.encode(),
        b'<?xml version="1.0"?>\n' + SMALL.encode(),
        SMALL.encode("utf-16"),
        SMALL.encode("utf-16-le"),
        SMALL.encode("utf-16-be"),
        b'<?xml version="1.0" encoding="utf-16"?>' + SMALL.encode(),
        b"<?xml version='1.0' encoding='cp037'?>" + SMALL.encode("cp037"),
    ],
)
def test_a_document_type_is_refused_however_it_is_written(content: bytes) -> None:
    with pytest.raises(BadEnvelope):
        plainly(content)
