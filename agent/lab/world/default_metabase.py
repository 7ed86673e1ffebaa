"""Owns the metabase of a default installation: the Default Web Site with Exchange's directories."""

from __future__ import annotations

from agent.lab.world.schema import Value
from agent.lab.world.system import Role
from agent.lab.world.tree import Key, Tree

EAS = "Microsoft-Server-ActiveSync"
EXCHANGE_POOL = "ExchangeApplicationPool"
OMA_POOL = "ExchangeMobileBrowseApplicationPool"
ANONYMOUS, BASIC, INTEGRATED = 1, 2, 4  # AuthFlags. domain 2.8
READ_SCRIPT, EXECUTE, SOURCE = 0x201, 0x205, 0x213  # AccessFlags: Read|Script, and with Execute, with Write|Source
_VDIR = "IIsWebVirtualDir"
_STATUSES = ["400;*", "401;1", "401;2", "403;1", "403;4", "403;5", "403;6", "403;7", "404;*", "404;2", "405;*", "500;*"]
_ERRORS = tuple(
    rf"{status},{sub},FILE,{{windows}}\help\iisHelp\common\{status}{'' if sub == '*' else f'-{sub}'}.htm"
    for status, sub in (each.split(";") for each in _STATUSES)
)


def default_tree(role: Role, windows: str, dns: str, netbios: str, *, isolation_mode: bool = False) -> Tree:
    """The tree of a machine of this role; one for all machines, so nothing in it names a machine."""
    frame = _frame(windows, isolation_mode, minor=0 if role.is_2003 else 5)
    site = _exchange_2003(role, dns, netbios, windows) if role.is_2003 else _client_access(role)
    return Tree.of(*frame, *default_site("1", "Default Web Site"), *site)


def default_site(
    number: str, comment: str, bindings: tuple[str, ...] = (":80:",), secure: tuple[str, ...] = (":443:",)
) -> tuple[Key, ...]:
    """A web site with its ROOT."""
    site = f"W3SVC/{number}"
    return (
        _key(
            site,
            "IIsWebServer",
            ServerComment=comment,
            ServerBindings=bindings,
            SecureBindings=secure,
            ServerAutoStart=True,
            AppPoolId="DefaultAppPool",
        ),
        _key(f"{site}/Filters", "IIsFilters"),
        _key(
            f"{site}/ROOT",
            _VDIR,
            Path=r"c:\inetpub\wwwroot",
            AppRoot=f"/LM/{site}/ROOT",
            AppFriendlyName="Default Application",
            AccessFlags=READ_SCRIPT,
            AuthFlags=ANONYMOUS | INTEGRATED,
            DefaultDoc="Default.htm,Default.asp,index.htm,iisstart.htm",
        ),
    )


def eas_directory(site: str = "1", name: str = EAS) -> Key:
    """The ActiveSync directory as the proxy needs it: Basic and Integrated, no SSL. domain 2.8"""
    path = f"W3SVC/{site}/ROOT/{name}"
    return _key(
        path,
        _VDIR,
        Path=r"C:\Program Files\Exchsrvr\OMA\Sync",
        AccessFlags=EXECUTE,
        AuthFlags=BASIC | INTEGRATED,
        NTAuthenticationProviders="Negotiate,NTLM",
        AppPoolId=EXCHANGE_POOL,
        AppRoot=f"/LM/{path}",
        AppFriendlyName=name,
        AppIsolated=2,
        ScriptMaps=(r"*,C:\Program Files\Exchsrvr\bin\massync.dll,5",),
    )


def store_directory(
    path: str, target: str, netbios: str, auth: int = BASIC | INTEGRATED, *, front_end: bool = False
) -> Key:
    """A directory over the mailbox store, such as Exchange or Public; a front-end maps it to exprox.dll. KB298513"""
    program = "exprox" if front_end else "davex"
    return _key(
        path,
        _VDIR,
        Path=target,
        AccessFlags=SOURCE,
        AuthFlags=auth,
        NTAuthenticationProviders="Negotiate,NTLM",
        AppPoolId=EXCHANGE_POOL,
        AppRoot=f"/LM/{path}",
        DefaultLogonDomain=netbios,
        AppIsolated=2,
        ScriptMaps=(rf"*,C:\Program Files\Exchsrvr\bin\{program}.dll,1",),
    )


def _exchange_2003(role: Role, dns: str, netbios: str, windows: str) -> tuple[Key, ...]:
    is_front_end = role is Role.FRONT_END
    root, store = "W3SVC/1/ROOT", r"\\.\BackOfficeStorage"
    web = r"C:\Program Files\Exchsrvr\exchweb"
    return (
        store_directory(f"{root}/Exchange", rf"{store}\{dns}\MBX", netbios, front_end=is_front_end),
        store_directory(f"{root}/Public", rf"{store}\{dns}\Public Folders", netbios, front_end=is_front_end),
        store_directory(f"{root}/Exadmin", store, netbios, INTEGRATED, front_end=is_front_end),
        eas_directory(),
        _key(
            f"{root}/OMA",
            _VDIR,
            Path=r"C:\Program Files\Exchsrvr\OMA\Browse",
            AccessFlags=READ_SCRIPT,
            AuthFlags=BASIC,
            AppPoolId=OMA_POOL,
            AppRoot=f"/LM/{root}/OMA",
            DefaultLogonDomain=netbios,
        ),
        _key(f"{root}/ExchWeb", _VDIR, Path=web, AccessFlags=READ_SCRIPT, AuthFlags=ANONYMOUS, AppPoolId=EXCHANGE_POOL),
        _key(f"{root}/ExchWeb/bin", "IIsWebDirectory", AccessFlags=EXECUTE, AuthFlags=BASIC | INTEGRATED),
        _key(f"{root}/ExchWeb/bin/auth", "IIsWebDirectory", AccessFlags=EXECUTE, AuthFlags=ANONYMOUS),
        _key(f"{root}/iisadmpwd", _VDIR, Path=rf"{windows}\system32\inetsrv\iisadmpwd", AccessFlags=READ_SCRIPT),
        _key(f"{root}/aspnet_client", "IIsWebDirectory", AccessFlags=1),
    )


def _client_access(role: Role) -> tuple[Key, ...]:
    home = r"C:\Program Files\Microsoft\Exchange Server" + ("" if role is Role.CAS2007 else r"\V14")
    pools = ("MSExchangeSyncAppPool", "MSExchangeOWAAppPool")
    return (
        *(_key(f"W3SVC/AppPools/{pool}", "IIsApplicationPool", AppPoolAutoStart=True) for pool in pools),
        _key(
            f"W3SVC/1/ROOT/{EAS}",
            _VDIR,
            Path=rf"{home}\ClientAccess\Sync",
            AccessFlags=READ_SCRIPT,
            AccessSSLFlags=0x108,
            AuthFlags=BASIC,
            AppPoolId=pools[0],
        ),
        _key(
            "W3SVC/1/ROOT/owa",
            _VDIR,
            Path=rf"{home}\ClientAccess\Owa",
            AccessFlags=READ_SCRIPT,
            AccessSSLFlags=0x108,
            AuthFlags=BASIC,
            AppPoolId=pools[1],
        ),
    )


def _frame(windows: str, isolation_mode: bool, minor: int) -> tuple[Key, ...]:
    pools = ("DefaultAppPool",) if minor else ("DefaultAppPool", EXCHANGE_POOL, OMA_POOL)
    return (
        _key("", "IIsComputer"),
        _key("Logging", "IIsLogModules"),
        _key("MimeMap", "IIsMimeMap"),
        _key(
            "W3SVC",
            "IIsWebService",
            ConnectionTimeout=120,
            AuthFlags=ANONYMOUS,
            NTAuthenticationProviders="Negotiate,NTLM",
            AppPoolId="DefaultAppPool",
            AnonymousUserName="IUSR",
            IIs5IsolationModeEnabled=isolation_mode,
            LogType=1,
            LogFileDirectory=rf"{windows}\system32\LogFiles",
            HttpErrors=tuple(each.replace("{windows}", windows) for each in _ERRORS),
        ),
        _key("W3SVC/Filters", "IIsFilters"),
        _key("W3SVC/Info", "IIsWebInfo", MajorIIsVersionNumber=7 if minor else 6, MinorIIsVersionNumber=minor),
        _key("W3SVC/AppPools", "IIsApplicationPools", PeriodicRestartTime=1740, IdleTimeout=20, MaxProcesses=1),
        *(_key(f"W3SVC/AppPools/{pool}", "IIsApplicationPool", AppPoolAutoStart=True) for pool in pools),
    )


def _key(path: str, kind: str, **values: Value) -> Key:
    return Key(path, kind, values)
