"""What stands behind /Exchange: the mailbox over WebDAV, and forms-based authentication in front of it."""

from __future__ import annotations

from agent.lab.web.message import Request, Response
from agent.lab.web.pages import NOT_FOUND, error_page
from agent.lab.web.places import SERVICE, Place
from agent.lab.world.accounts import User
from agent.lab.world.metabase import Metabase
from agent.lab.world.tree import Tree

# The filter that turns forms-based authentication on for a site of Exchange 2003, OWAAUTH.DLL [bg].
COOKIE_FILTER = "Exchange OWA Cookie Authentication ISAPI Filter"
LOGON_PAGE = "/exchweb/bin/auth/owalogon.asp"
# Directories whose Path is the Exchange store are mailboxes; those named so are, whatever their Path.
STORE_PATH = "\\\\.\\backofficestorage"
STORE_NAMES = ("exchange", "public", "exadmin")
METHODS = (
    "OPTIONS, TRACE, GET, HEAD, DELETE, PUT, POST, COPY, MOVE, MKCOL, PROPFIND, PROPPATCH, LOCK, UNLOCK, SUBSCRIBE, "
    "POLL, BDELETE, BCOPY, BMOVE, BPROPPATCH, BPROPFIND, SEARCH"
)
LOGIN_TIMEOUT = 440

_FOLDERS = """<?xml version="1.0"?><a:multistatus xmlns:a="DAV:"><a:response><a:href>http://{host}{path}</a:href>\
<a:propstat><a:status>HTTP/1.1 200 OK</a:status><a:prop><a:displayname>{name}</a:displayname>\
<a:ishidden>0</a:ishidden></a:prop></a:propstat></a:response></a:multistatus>"""


def is_store(where: Place) -> bool:
    """True for a directory that shows the Exchange store."""
    return where.text("Path").lower().startswith(STORE_PATH) or where.directory.lower() in STORE_NAMES


def forms_based(tree: Tree, site: int) -> bool:
    """True while forms-based authentication is on for the site."""
    return tree.exists(f"{SERVICE}/{site}/Filters/{COOKIE_FILTER}")


def turn_forms_on(metabase: Metabase, site: int) -> None:
    """What ticking "Enable Forms Based Authentication" does to the site."""
    for path, kind in ((f"{SERVICE}/{site}/Filters", "IIsFilters"), (_filter(site), "IIsFilter")):
        if not metabase.exists(path):
            metabase.create(path, kind)


def turn_forms_off(metabase: Metabase, site: int) -> None:
    """What clearing the box does."""
    if metabase.exists(_filter(site)):
        metabase.delete(_filter(site))


def ask_for_form(request: Request) -> Response:
    """What the filter answers to a visitor without its cookie: the form to a browser, 440 to a DAV client."""
    if request.method in ("GET", "HEAD"):
        target = f"http://{request.host}{LOGON_PAGE}?url=http://{request.host}{request.path}&reason=0"
        return Response(302, [("Content-Type", "text/html"), ("Location", target)])
    return Response(LOGIN_TIMEOUT, [("Content-Type", "text/html")], b"<h1>440 Login Timeout</h1>")


def answer(request: Request, where: Place, user: User, server: str, culture: str) -> Response:
    """The store's answer to a user who has logged on."""
    owner = where.rest.partition("/")[0] or user.name
    if request.method == "OPTIONS":
        headers = [("MS-Author-Via", "DAV"), ("DAV", "1, 2"), ("Public", METHODS), ("Allow", METHODS)]
        return Response(200, [("MS-WebStorage", "6.5.7638"), *headers])
    if request.method not in ("GET", "HEAD", "PROPFIND", "SEARCH"):
        return Response(501, [("Content-Type", "text/html")], b"<h1>501 Not Implemented</h1>")
    if not _owns(user, owner, server):
        return error_page(NOT_FOUND, culture)
    if request.method in ("PROPFIND", "SEARCH"):
        text = _FOLDERS.format(host=request.host, path=request.path, name=owner)
        return Response(207, [("Content-Type", "text/xml")], text.encode())
    page = f"<html><head><title>Microsoft Outlook Web Access</title></head><body>{owner}</body></html>"
    return Response(200, [("Content-Type", "text/html")], page.encode())


def _owns(user: User, owner: str, server: str) -> bool:
    has_mailbox = user.mailbox_server is not None and user.mailbox_server.lower() == server.lower()
    return has_mailbox and owner.lower() == user.name.lower()


def _filter(site: int) -> str:
    return f"{SERVICE}/{site}/Filters/{COOKIE_FILTER}"
