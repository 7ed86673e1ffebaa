"""Owns the ways to the machines: the passwords, the visits to servers and proxies, the test users."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.config import Config, Secrets
    from agent.logs import Redactor
    from agent.model import Auth, Server
    from agent.probe.phone import Phones
    from agent.proxypool import ProxyPool
    from agent.transport import Connect


class Reach:
    """What reaches a machine, made when first needed; a part of the session."""

    config: Config
    redactor: Redactor
    _exits: ExitStack

    @cached_property
    def proxies(self) -> tuple[Server, ...]:
        """The Client Access servers."""
        from agent.inventory import proxies

        return proxies(self.config)

    @cached_property
    def secrets(self) -> Secrets:
        """The credential sets; a password is fetched when it is first needed."""
        from agent.cli.asking import ask_password
        from agent.config import Secrets

        return Secrets(self.config.credentials, ask_password, self.redactor.add)

    @cached_property
    def connect(self) -> Connect:
        """Opens visits, and logs what is sent; passwords are fetched when the first one needs them."""
        from agent.cli.sent import LoggingConnect
        from agent.transport.choose import Connector
        from agent.transport.credentials import Credentials, Secret
        from agent.transport.waits import Waits

        def credentials(server: Server) -> Credentials:
            logon = self.secrets.logon(server.credentials)
            return Credentials(
                logon.username, None if logon.password is None else Secret(logon.password.get_secret_value())
            )

        limits = self.config.timeouts
        waits = Waits(limits.connect_seconds, limits.operation_seconds, limits.read_seconds)
        return LoggingConnect(Connector(credentials, time.monotonic, waits), time.monotonic)

    def unlock(self, servers: Sequence[Server]) -> None:
        """Every password that a run will need is fetched, or asked for, before the run begins: ConfigError otherwise.

        Nothing is sent: a visit connects with its first script.
        """
        for server in (*servers, *(self.proxies if self.config.verify.from_proxies else ())):
            self.connect(server).close()
        for server in servers if self.config.verify.end_to_end else ():
            self.phones.of(server)

    @cached_property
    def pool(self) -> ProxyPool:
        """Visits to proxies."""
        from agent.proxypool import ProxyPool

        pool = ProxyPool(self.connect)
        self._exits.callback(pool.close)
        return pool

    @cached_property
    def phones(self) -> Phones:
        """The test users."""
        from agent.probe.phone import Phones
        from agent.transport.credentials import Credentials, Secret

        def logon(server: Server) -> tuple[Credentials, Auth]:
            found = self.secrets.logon(server.test_user)
            password = None if found.password is None else Secret(found.password.get_secret_value())
            return Credentials(found.username, password), found.auth

        return Phones(logon)
