"""The error pages of IIS 6 and of http.sys below it, in the languages of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from agent.lab.web.message import Response
from agent.lab.web.phrases import LANGUAGES, Phrase

# Shape of the pages under C:\WINDOWS\help\iisHelp\common; DOCTYPE and title seen in KB817379.
_PAGE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<HTML><HEAD><TITLE>{title}</TITLE>
<META HTTP-EQUIV="Content-Type" Content="text/html; charset={charset}">
<STYLE type="text/css">
  BODY {{ font: 8pt/12pt verdana }}
  H1 {{ font: 13pt/15pt verdana }}
  H2 {{ font: 8pt/12pt verdana }}
</STYLE>
</HEAD><BODY><TABLE width=500 border=0 cellspacing=10><TR><TD>
<h1>{title}</h1>
{text}
<hr>
<h2>{error}<br>Internet Information Services (IIS)</h2>
<hr>
</TD></TR></TABLE></BODY></HTML>
"""

# The win32 status W3SVC logs beside a sub-status: winerror.h.
ACCESS_DENIED = 5
FILE_NOT_FOUND = 2
LOGON_FAILURE = 1326
PASSWORD_EXPIRED = 1330
ACCOUNT_LOCKED_OUT = 1909
NO_CREDENTIALS = 2148074254
CONNECTION_RESET = 64


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table of error pages: status, sub-status, and the win32 status in the log."""

    status: int
    substatus: int
    win32: int
    phrase: Phrase


SSL_REQUIRED = Fault(403, 4, ACCESS_DENIED, Phrase.SSL_REQUIRED)
SSL_128_REQUIRED = Fault(403, 5, ACCESS_DENIED, Phrase.SSL_128_REQUIRED)
ADDRESS_REFUSED = Fault(403, 6, ACCESS_DENIED, Phrase.ADDRESS_REFUSED)
CERTIFICATE_REQUIRED = Fault(403, 7, 0x80072F0C, Phrase.CERTIFICATE_REQUIRED)
LISTING_DENIED = Fault(403, 14, ACCESS_DENIED, Phrase.LISTING_DENIED)
LOGON_FAILED = Fault(401, 1, LOGON_FAILURE, Phrase.LOGON_FAILED)
LOGON_NEEDED = Fault(401, 2, NO_CREDENTIALS, Phrase.LOGON_NEEDED)
NOT_FOUND = Fault(404, 0, FILE_NOT_FOUND, Phrase.NOT_FOUND)


def error_page(fault: Fault, culture: str, *, win32: int | None = None) -> Response:
    """The page IIS 6 of this culture sends, in the code page of that culture."""
    language = LANGUAGES.get(culture.partition("-")[0].lower(), LANGUAGES["en"])
    title, text = language.phrases[fault.phrase]
    code = f"{fault.status}.{fault.substatus}" if fault.substatus else str(fault.status)
    page = _PAGE.format(
        title=escape(title),
        text=escape(text),
        error=escape(f"{language.error} {code} - {language.reasons[fault.status]}"),
        charset=language.charset,
    )
    return Response(
        fault.status,
        [("Content-Type", "text/html")],
        page.encode(language.codec, "xmlcharrefreplace"),
        fault.substatus,
        fault.win32 if win32 is None else win32,
    )


def kernel_page(status: int, text: str) -> Response:
    """What http.sys answers by itself: one heading, no Server header of IIS, connection closed."""
    body = f"<h1>{escape(text)}</h1>".encode()
    return Response(status, [("Content-Type", "text/html")], body, close=True, kernel=True)
