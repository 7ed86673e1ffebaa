"""Owns what the machines of a fleet share: clock, directory, users, network; and where Exchange keeps its objects."""

from __future__ import annotations

from agent.lab.clock import Clock
from agent.lab.world.accounts import Accounts, User
from agent.lab.world.directory import Directory, escaped
from agent.lab.world.network import Network


class Forest:
    """One Active Directory forest with one domain and one Exchange organisation."""

    def __init__(
        self,
        clock: Clock,
        *,
        dns: str = "lab.example",
        netbios: str = "LAB",
        organization: str = "Lab",
        admin_group: str = "First Administrative Group",
    ) -> None:
        self.clock = clock
        self.dns = dns
        self.netbios = netbios
        self.organization = organization
        self.admin_group = admin_group
        self.directory = Directory(dns)
        self.accounts = Accounts(netbios, dns)
        self.network = Network()
        self.directory.add(self.organization_dn, "msExchOrganizationContainer")

    def add_user(self, name: str, password: str, *, is_admin: bool = False, mailbox_server: str | None = None) -> User:
        """A user with an object in AD, and with a mailbox where a server is named."""
        user = self.accounts.add(name, password, is_admin=is_admin, mailbox_server=mailbox_server)
        mailbox: dict[str, str] = {"mail": user.upn}
        if mailbox_server is not None:
            store = f"CN=Mailbox Store ({mailbox_server}),CN=First Storage Group,CN=InformationStore"
            mailbox["homeMDB"] = f"{store},{self.server_dn(mailbox_server)}"
        dn = f"CN={escaped(name)},CN=Users,{self.directory.domain_dn}"
        self.directory.add(dn, "person", "user", sAMAccountName=name, userPrincipalName=user.upn, **mailbox)
        return user

    @property
    def organization_dn(self) -> str:
        """The Exchange organisation's object."""
        return f"CN={escaped(self.organization)},CN=Microsoft Exchange,CN=Services,{self.directory.configuration_dn}"

    def server_dn(self, name: str, admin_group: str | None = None) -> str:
        """The object of an Exchange server. domain 3.5"""
        group = escaped(admin_group or self.admin_group)
        return f"CN={name},CN=Servers,CN={group},CN=Administrative Groups,{self.organization_dn}"

    def virtual_server_dn(self, name: str, number: int, admin_group: str | None = None) -> str:
        """The object of an HTTP virtual server; 1 is the Default Web Site. domain 3.3, 3.5"""
        return f"CN={number},CN=HTTP,CN=Protocols,{self.server_dn(name, admin_group)}"

    def directory_dn(self, name: str, directory: str, number: int = 1, admin_group: str | None = None) -> str:
        """The object of a virtual directory, such as Microsoft-Server-ActiveSync. domain 3.5"""
        return f"CN={escaped(directory)},{self.virtual_server_dn(name, number, admin_group)}"
