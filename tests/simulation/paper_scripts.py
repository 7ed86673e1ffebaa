"""What each script of the playbook answers on a back-end on paper: the same records, the same refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from paper import BLOCKING, EAS, EXCHANGE, OMA, SITE, Marker, PaperServer, Service

from agent.model import Record

BEGIN = datetime(2011, 3, 14, 2, 0, tzinfo=UTC)
OUTPUT = (
    " Attempting stop... Internet services successfully stopped"
    " Attempting start... Internet services successfully restarted"
)
BITS = {"AccessSSL": 8, "AccessSSLNegotiateCert": 32, "AccessSSLRequireCert": 64, "AccessSSLMapCert": 128,
        "AccessSSL128": 256}  # fmt: skip


class ScriptError(Exception):
    """The script threw; its own words, without its name."""


def answer(server: PaperServer, script: str, given: Mapping[str, Any]) -> list[Record]:
    """Run a script on the server; raises `ScriptError`."""
    server.catch_up()
    server.did(f"script {script}", str(given.get("Run", "")))
    return SCRIPTS[script](server, given)


def _detect(server: PaperServer, _: Mapping[str, Any]) -> list[Record]:
    _iis(server)
    children = [
        {"Kind": "child", "Path": path, "Parent": EAS, "Flags": server.word(path)}
        for path in server.keys
        if path.startswith(f"{EAS}/")
    ]
    services = [_of_service(each, SharesInetinfo=each.shares_inetinfo, DependsOnIisAdmin=each.name != "IISADMIN")
                for each in server.services.values()]  # fmt: skip
    return [
        _facts(server),
        _directory(server, EAS, "eas"),
        *children,
        _directory(server, EXCHANGE, "exchange"),
        *([_directory(server, OMA, "exchange-vdir")] if server.has_oma else []),
        *services,
        _twin(),
    ]


def _facts(server: PaperServer) -> Record:
    return {
        "Kind": "server",
        "Computer": server.case.name,
        "Fqdn": f"{server.case.name.lower()}.lab.example",
        "OsVersion": "5.2.3790",
        "OsServicePack": 2,
        "PowerShell": "2.0",
        "WinRm": "2.0",
        "ExchangeBuild": 7638,
        "ExchangeServicePack": 2,
        "FrontEnd": server.case.is_front_end,
        "Clustered": False,
        "IisResetDisabled": False,
        "IisResetStatus": "",
        "ExchangeVDir": "/exchange-oma" if server.has_oma else "",
        "Administrator": True,
        "FreeMegabytes": 8191,
        "Culture": "en-US",
        "Utc": _time(server.now()),
    }


def _directory(server: PaperServer, path: str, role: str) -> Record:
    is_own = path in server.memory
    is_basic = role == "eas" and server.case.is_basic_only
    return {
        "Kind": "directory",
        "Path": path,
        "Role": role,
        "Site": 1,
        "SiteComment": "Default Web Site",
        "SiteState": 2,
        "Bindings": ":80:",
        "Flags": server.word(path),
        "Explicit": is_own,
        "InheritedFrom": "" if is_own else server.holder(path),
        "AuthFlags": 2 if is_basic else 6,
        "AuthExplicit": True,
        "Providers": "Negotiate,NTLM",
        "AppPool": "ExchangeApplicationPool",
        "Redirect": "",
        "FormsBased": False,
        "SslErrorPage": "",
    }


def _twin() -> Record:
    return {"Kind": "active-directory", "Dn": "", "VirtualServer": 0, "SslFlags": None, "AuthFlags": None,
            "Readable": False, "Message": "An operations error occurred.\r\n"}  # fmt: skip


def _readback(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    _iis(server)
    return [_flags(server, path) for path in given["Path"]]


def _flags(server: PaperServer, path: str) -> Record:
    exists, saved = path in server.keys, server.saved.get(path)
    return {
        "Kind": "flags",
        "Path": path,
        "Exists": exists,
        "Flags": server.word(path) if exists else None,
        "Explicit": exists and path in server.memory,
        "InheritedFrom": server.holder(path) if exists and path not in server.memory else "",
        "IsFileReadable": True,
        "SavedExplicit": saved is not None,
        "SavedFlags": _words(saved),
        "SavedWord": saved,
        "SavedAt": _time(server.saved_at),
        "Message": "",
    }


def _backup(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    _iis(server)
    name = given["Name"]
    created = name not in server.backups
    if created:
        if server.case.cannot_save:
            raise ScriptError("There is not enough space on the disk.\r\n")
        server.backups[name] = server.now()
        server.did("backup", name.removeprefix("easfix-"))
    return [{"Kind": "backup", "Name": name, "File": f"C:\\WINDOWS\\system32\\inetsrv\\MetaBack\\{name}.MD0",
             "Bytes": 261776, "Created": created, "Message": ""}]  # fmt: skip


def _clear(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    _iis(server)
    path, before, after = given["Path"], given["Before"], given["After"]
    _exists(server, path)
    found, is_own = server.word(path), path in server.memory
    is_right = found == after and is_own
    if not is_right:
        holding = "explicit" if is_own else "inherited"
        said = f"refused: nothing was changed: {path} has AccessSSLFlags {found}"
        if found != before:
            raise ScriptError(f"{said} ({holding}), not {before} as planned")
        if given.get("Held") and given["Held"] != holding:
            raise ScriptError(f"{said} {holding}, not {given['Held']} as planned")
        server.write(path, after)
        server.did("clear", path=path)
    return _written(server, given, found, not is_right)


def _restore(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    _iis(server)
    path, before, after, held = given["Path"], given["Before"], given["After"], given["Held"]
    _exists(server, path)
    found, is_own = server.word(path), path in server.memory
    is_right = is_own and found == after if held == "explicit" else not is_own
    if not is_right:
        if found != before or not is_own:
            raise ScriptError(
                f"refused: nothing was changed: {path} has AccessSSLFlags {found}, and easfix left it with its own "
                f"{before}"
            )
        server.write(path, after if held == "explicit" else None)
        server.did("restore", path=path)
    return _written(server, given, found, not is_right)


def _written(server: PaperServer, given: Mapping[str, Any], found: int, changed: bool) -> list[Record]:
    path, message = given["Path"], server.save()
    return [{"Kind": "written", "Path": path, "Before": given["Before"], "Found": found, "After": given["After"],
             "Flags": server.word(path), "Explicit": path in server.memory, "Changed": changed, "Saved": not message,
             "Message": message}]  # fmt: skip


def _restart(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    run, created = given["Run"], given["Run"] not in server.markers
    if created:
        if server.case.cannot_save:
            raise ScriptError("refused: nothing was started: less than 10 MB free on the system disk")
        ran = tuple(name for name in server.services if name in server.running)
        server.markers[run] = Marker(server.now(), ran, server.now() + given["DeadlineSeconds"] / 2)
        server.reset(run)
    return [_marker(server, given, created=created)]


def _status(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    marker = server.markers.get(given["Run"])
    ran = marker.ran_before if marker else ()
    services = [_of_service(each, RanBefore=each.name in ran) for each in server.services.values()]
    return [_marker(server, given, created=False), *services]


def _marker(server: PaperServer, given: Mapping[str, Any], *, created: bool) -> Record:
    marker = server.markers.get(given["Run"])
    is_over = marker is not None and marker.ended_at is not None
    took = marker.ended_at - (marker.started_at or 0.0) if is_over else None  # type: ignore[union-attr, operator]
    return {
        "Kind": "restart",
        "Run": given["Run"],
        "Created": created,
        "State": _state(server, marker, given["DeadlineSeconds"]),
        "ClaimedAt": _time(marker.claimed_at) if marker else "",
        "StartedAt": _time(marker.started_at) if marker else "",
        "EndedAt": _time(marker.ended_at) if marker else "",
        "ExitCode": marker.exit_code if marker else None,
        "Seconds": took,
        "Output": OUTPUT if is_over else "",
        "RanBefore": list(marker.ran_before) if marker else [],
    }


def _state(server: PaperServer, marker: Marker | None, deadline: float) -> str:
    if marker is None:
        return "absent"
    if marker.ended_at is not None:
        return "ended"
    if server.now() > marker.claimed_at + deadline:
        return "overdue"
    return "running" if marker.started_at is not None else "claimed"


def _start(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    return [_started(server, name) for name in given["Name"]]


def _started(server: PaperServer, name: str) -> Record:
    service = server.services.get(name)
    if service is None:
        return {"Kind": "service", "Name": name, "DisplayName": "", "State": "Missing", "StartMode": "",
                "Started": False, "Message": "there is no such service"}  # fmt: skip
    started = service.state != "Running" and service.start_mode != "Disabled"
    message = "" if started or service.state == "Running" else f"Cannot start service {name} on computer '.'."
    if started:
        service.state = "Running"
        server.did("start", path=name)
    return _of_service(service, Started=started, Message=message)


def _close(server: PaperServer, given: Mapping[str, Any]) -> list[Record]:
    run = given["Run"]
    marker = server.markers.get(run)
    if marker and marker.ended_at is None and server.now() < marker.claimed_at + given["DeadlineSeconds"]:
        raise ScriptError(f"refused: nothing was removed: {run}.restart has not ended yet")
    parts = []
    if marker:
        noted = {".before": 0.0, ".started": marker.started_at, ".ended": marker.ended_at, "": 0.0}
        parts = [part for part, at in noted.items() if at is not None]
        del server.markers[run]
        server.did("close", run)
    return [{"Kind": "closed", "Run": run, "Removed": [f"{run}.restart{part}" for part in parts]}]


def hop(server: PaperServer, proxy: str, given: Mapping[str, Any]) -> list[Record]:
    """What a proxy is answered that asks this server for OPTIONS over plain HTTP (domain 2.9, 2.10)."""
    server.catch_up()
    said = _hop(server)
    return [{"Kind": "hop", "Computer": proxy, "Url": f"http://{given['Fqdn']}/Microsoft-Server-ActiveSync",
             "Status": None, "Reason": "", "Authenticate": [], "Server": "", "Location": "", "Body": "",
             "Milliseconds": 0, "Failure": "", "Message": "", **said}]  # fmt: skip


def _hop(server: PaperServer) -> Mapping[str, Any]:
    if server.now() < server.down_until or server.services["W3SVC"].state != "Running":
        return {"Failure": "ConnectFailure", "Message": "Unable to connect to the remote server"}
    here: Mapping[str, Any] = {"Server": "Microsoft-IIS/6.0"}
    if server.word(EAS) & BLOCKING:
        page = "<TITLE>The page must be viewed over a secure channel</TITLE> 403.4 - Forbidden: SSL is required."
        return {**here, "Status": 403, "Reason": "Forbidden", "Body": page}
    offered = ["Basic realm"] if server.case.is_basic_only else ["Negotiate", "NTLM", "Basic realm"]
    return {**here, "Status": 401, "Reason": "Unauthorized", "Authenticate": offered}


def _iis(server: PaperServer) -> None:
    """Whatever asks the metabase fails while IISADMIN is down."""
    if not server.is_running:
        raise ScriptError('Exception calling "Exists" with "1" argument(s): "The RPC server is unavailable.\r\n"')


def _exists(server: PaperServer, path: str) -> None:
    if path == SITE or path not in server.keys:
        raise ScriptError(f"refused: nothing was changed: there is no {path}")


def _of_service(service: Service, **more: object) -> Record:
    return {"Kind": "service", "Name": service.name, "DisplayName": service.display_name, "State": service.state,
            "StartMode": service.start_mode, **more}  # type: ignore[dict-item]  # fmt: skip


def _words(word: int | None) -> str:
    if word is None:
        return ""
    return " | ".join(name for name, bit in BITS.items() if word & bit) or "0"


def _time(at: float | None) -> str:
    if at is None:
        return ""
    return (BEGIN + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


SCRIPTS: Mapping[str, Callable[[PaperServer, Mapping[str, Any]], list[Record]]] = {
    "detect": _detect,
    "readback": _readback,
    "backup": _backup,
    "clear": _clear,
    "restore": _restore,
    "restart": _restart,
    "restart-status": _status,
    "start-services": _start,
    "close": _close,
}
