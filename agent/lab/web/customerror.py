"""Custom error pages: what HttpErrors makes of a 403.4, which may then reach the client as 302 or 200. domain 2.9"""

from __future__ import annotations

import ntpath
import re
from contextlib import suppress
from html import escape

from agent.lab.web.message import Response
from agent.lab.web.places import Place, place
from agent.lab.world.errors import WorldError
from agent.lab.world.files import FileSystem

# The usual "send them to https" pages: ASP redirects, a META tag or script is a plain 200 to a client that runs none.
_ASP_REDIRECT = re.compile(r"Response\.Redirect\s*\(?\s*\"([^\"]+)\"", re.IGNORECASE)


def customise(response: Response, where: Place, files: FileSystem) -> Response:
    """The answer HttpErrors asks for in place of this error; the error itself where there is none."""
    entry = _entry(response, where)
    match entry:
        case ["FILE", path]:
            return _file(response, path, files)
        case ["URL", url] if "://" in url:
            return moved(response, url)
        case ["URL", url]:
            return _run(response, url, where, files)
    return response


def _entry(response: Response, where: Place) -> list[str]:
    """Entries are "403,4,URL,/path"; "*" for the sub-status means any."""
    for text in where.texts("HttpErrors"):
        status, substatus, *action = (part.strip() for part in text.split(",", 3))
        if status == str(response.status) and substatus in ("*", str(response.substatus)) and len(action) == 2:
            return [action[0].upper(), action[1]]
    return []


def _file(response: Response, path: str, files: FileSystem) -> Response:
    # The pages IIS ships with are not in the lab's file system: a missing file means the page as it is.
    with suppress(WorldError):
        response.body = files.read(path)
    return response


def _run(response: Response, url: str, where: Place, files: FileSystem) -> Response:
    found = place(where.tree, where.site, url)
    path = ntpath.join(found.text("Path"), *found.rest.split("/"))
    try:
        page = files.read(path)
    except WorldError:
        return response
    if path.lower().endswith((".asp", ".aspx")) and (redirect := _ASP_REDIRECT.search(page.decode("latin-1"))):
        return moved(response, redirect.group(1))
    return Response(200, [("Content-Type", "text/html")], page, response.substatus, response.win32)


def moved(response: Response, url: str) -> Response:
    """302 to this place, logged with the sub-status of the error it stands for."""
    link = f'This object may be found <a HREF="{escape(url)}">here</a>.'
    body = f"<head><title>Object moved</title></head>\n<body><h1>Object Moved</h1>{link}</body>\n"
    headers = [("Content-Type", "text/html"), ("Location", url)]
    return Response(302, headers, body.encode(), response.substatus, response.win32)
