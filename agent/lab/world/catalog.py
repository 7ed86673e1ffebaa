"""Owns the services of each role, as a default installation has them. Names and hosts: domain 5.1, and [bg]."""

from __future__ import annotations

from agent.lab.world.service import ServiceSpec, StartMode
from agent.lab.world.system import Role

_MANUAL, _DISABLED = StartMode.MANUAL, StartMode.DISABLED
_LOCAL, _NETWORK = "NT AUTHORITY\\LocalService", "NT AUTHORITY\\NetworkService"


def specs(
    role: Role, windows: str, *, clustered: bool = False, isolation_mode: bool = False
) -> tuple[ServiceSpec, ...]:
    """The services; `isolation_mode` is IIS 5 isolation, where HTTP SSL lives inside inetinfo. domain 6.3"""
    base = _windows(windows)
    if role is Role.CAS2007:
        return base + _iis7(windows) + _CAS2007
    if role is Role.CAS2010:
        return base + _iis7(windows) + _CAS2010
    cluster = (ServiceSpec("ClusSvc", "Cluster Service", rf"{windows}\cluster\clussvc.exe", ("RpcSs",)),)
    return base + _iis6(windows, isolation_mode) + _EXCHANGE_2003 + (cluster if clustered else ())


def _windows(windows: str) -> tuple[ServiceSpec, ...]:
    services, lsass = rf"{windows}\system32\services.exe", rf"{windows}\system32\lsass.exe"
    netsvcs, local = _svchost(windows, "netsvcs"), _svchost(windows, "LocalService")
    rpc, network = _svchost(windows, "rpcss"), _svchost(windows, "NetworkService")
    return (
        ServiceSpec("Eventlog", "Event Log", services),
        ServiceSpec("PlugPlay", "Plug and Play", services),
        ServiceSpec("RpcSs", "Remote Procedure Call (RPC)", rpc, account=_NETWORK),
        ServiceSpec("SamSs", "Security Accounts Manager", lsass, ("RpcSs",)),
        ServiceSpec("Netlogon", "Net Logon", lsass, ("LanmanWorkstation",)),
        ServiceSpec("ProtectedStorage", "Protected Storage", lsass, ("RpcSs",)),
        ServiceSpec("PolicyAgent", "IPSEC Services", lsass, ("RpcSs",)),
        ServiceSpec("LanmanServer", "Server", netsvcs),
        ServiceSpec("LanmanWorkstation", "Workstation", netsvcs),
        ServiceSpec("winmgmt", "Windows Management Instrumentation", netsvcs, ("RpcSs",)),
        ServiceSpec("Schedule", "Task Scheduler", netsvcs, ("RpcSs",)),
        ServiceSpec("EventSystem", "COM+ Event System", netsvcs, ("RpcSs",)),
        ServiceSpec("CryptSvc", "Cryptographic Services", netsvcs, ("RpcSs",)),
        ServiceSpec("W32Time", "Windows Time", local, account=_LOCAL),
        ServiceSpec("RemoteRegistry", "Remote Registry", local, ("RpcSs",), account=_LOCAL),
        ServiceSpec("Dnscache", "DNS Client", network, account=_NETWORK),
        ServiceSpec("Spooler", "Print Spooler", rf"{windows}\system32\spoolsv.exe", ("RpcSs",)),
        ServiceSpec("TermService", "Terminal Services", _svchost(windows, "termsvcs"), ("RpcSs",), _MANUAL),
        ServiceSpec("WinRM", "Windows Remote Management (WS-Management)", _svchost(windows, "WINRM"), ("RpcSs",)),
    )


def _iis6(windows: str, isolation_mode: bool) -> tuple[ServiceSpec, ...]:
    inetinfo = rf"{windows}\system32\inetsrv\inetinfo.exe"
    ssl_host = inetinfo if isolation_mode else rf"{windows}\system32\lsass.exe"
    ssl_needs = ("IISADMIN",) if isolation_mode else ()
    web_host = inetinfo if isolation_mode else _svchost(windows, "iissvcs")
    on_iis = ("IISADMIN",)
    return (
        ServiceSpec("IISADMIN", "IIS Admin Service", inetinfo, ("RpcSs", "SamSs")),
        ServiceSpec("HTTPFilter", "HTTP SSL", ssl_host, ssl_needs, _MANUAL),
        ServiceSpec("W3SVC", "World Wide Web Publishing Service", web_host, ("RpcSs", "HTTPFilter", "IISADMIN")),
        ServiceSpec("SMTPSVC", "Simple Mail Transfer Protocol (SMTP)", inetinfo, ("IISADMIN", "Eventlog")),
        ServiceSpec("NntpSvc", "Network News Transfer Protocol (NNTP)", inetinfo, ("IISADMIN", "Eventlog"), _DISABLED),
        ServiceSpec("RESvc", "Microsoft Exchange Routing Engine", inetinfo, on_iis),
        ServiceSpec("POP3Svc", "Microsoft Exchange POP3", inetinfo, on_iis),
        ServiceSpec("IMAP4Svc", "Microsoft Exchange IMAP4", inetinfo, on_iis),
    )


def _exchange(
    name: str, display: str, program: str, needs: tuple[str, ...] = (), mode: StartMode = StartMode.AUTOMATIC
) -> ServiceSpec:
    return ServiceSpec(name, f"Microsoft Exchange {display}", f'"{program}"', needs, mode)


_BIN = r"C:\Program Files\Exchsrvr\bin"
_EXCHANGE_2003 = (
    _exchange("MSExchangeSA", "System Attendant", rf"{_BIN}\mad.exe", ("Eventlog", "RpcSs", "LanmanServer")),
    _exchange("MSExchangeIS", "Information Store", rf"{_BIN}\store.exe", ("MSExchangeSA",)),
    _exchange("MSExchangeMTA", "MTA Stacks", rf"{_BIN}\emsmta.exe", ("MSExchangeSA",)),
    _exchange("MSExchangeMGMT", "Management", rf"{_BIN}\exmgmt.exe", ("RpcSs", "winmgmt")),
    _exchange("MSExchangeES", "Event", rf"{_BIN}\events.exe", ("MSExchangeIS",), _MANUAL),
    _exchange("MSExchangeSRS", "Site Replication Service", rf"{_BIN}\srsmain.exe", ("RpcSs",), _DISABLED),
)


def _iis7(windows: str) -> tuple[ServiceSpec, ...]:
    svchost = _svchost(windows, "iissvcs")
    return (
        ServiceSpec("WAS", "Windows Process Activation Service", svchost, ("RpcSs",), _MANUAL),
        ServiceSpec("W3SVC", "World Wide Web Publishing Service", svchost, ("WAS",)),
        ServiceSpec("IISADMIN", "IIS Admin Service", rf"{windows}\system32\inetsrv\inetinfo.exe", ("RpcSs", "SamSs")),
    )


_BIN_2007, _BIN_2010 = (
    r"C:\Program Files\Microsoft\Exchange Server\Bin",
    r"C:\Program Files\Microsoft\Exchange Server\V14\Bin",
)


_TOPOLOGY = ("MSExchangeADTopology",)


def _client_access(bin_: str) -> tuple[ServiceSpec, ...]:
    topology = rf"{bin_}\MSExchangeADTopologyService.exe"
    return (
        _exchange("MSExchangeADTopology", "Active Directory Topology", topology, ("RpcSs",)),
        _exchange("MSExchangeServiceHost", "Service Host", rf"{bin_}\Microsoft.Exchange.ServiceHost.exe"),
        _exchange("MSExchangeTransport", "Transport", rf"{bin_}\MSExchangeTransport.exe", _TOPOLOGY),
        _exchange("MSExchangePOP3", "POP3", rf"{bin_}\Microsoft.Exchange.Pop3Service.exe", _TOPOLOGY, _MANUAL),
        _exchange("MSExchangeIMAP4", "IMAP4", rf"{bin_}\Microsoft.Exchange.Imap4Service.exe", _TOPOLOGY, _MANUAL),
    )


_CAS2007 = (
    *_client_access(_BIN_2007),
    _exchange("MSExchangeFDS", "File Distribution", rf"{_BIN_2007}\MSExchangeFDS.exe", _TOPOLOGY),
)
_CAS2010 = (
    *_client_access(_BIN_2010),
    _exchange("MSExchangeAB", "Address Book", rf"{_BIN_2010}\Microsoft.Exchange.AddressBook.Service.exe"),
    _exchange(
        "MSExchangeRPC", "RPC Client Access", rf"{_BIN_2010}\Microsoft.Exchange.RpcClientAccess.Service.exe", _TOPOLOGY
    ),
    _exchange("MSExchangeFBA", "Forms-Based Authentication service", rf"{_BIN_2010}\exfba.exe", ("RpcSs",)),
    _exchange(
        "MSExchangeMailboxReplication",
        "Mailbox Replication",
        rf"{_BIN_2010}\MSExchangeMailboxReplication.exe",
        _TOPOLOGY,
    ),
)


def _svchost(windows: str, group: str) -> str:
    return rf"{windows}\system32\svchost.exe -k {group}"
