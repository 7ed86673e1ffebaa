"""Owns the files of a lab's directory: a configuration ready for every command, secrets apart, the endpoints."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import yaml

from agent.lab.claim import Claim
from agent.lab.control import LAB_FILE, TOKEN_FILE
from agent.lab.fleet import Fleet
from agent.lab.node import Node

CONFIG_FILE, CA_FILE, SECRETS = "config.yaml", "lab-ca.pem", "secrets"
_HEADER = "# Written by `easfix lab up` for its practice fleet; gone when the lab ends. No password stands in it.\n"


class Foreign(OSError):  # noqa: N818 - what the file is, in the words an operator reads
    """A file stands where the lab would write its own, and the lab did not make it."""


class Layout:
    """Writes the files, and removes exactly those again; it touches nobody else's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._claim = Claim(directory)

    def claim(self) -> None:
        """Take the directory for this lab; raises claim.Taken, or Foreign, or another OSError."""
        self._claim.take()
        try:
            for name in (CONFIG_FILE, LAB_FILE, TOKEN_FILE, CA_FILE):
                self._refuse_foreign(name)
        except BaseException:
            self._claim.drop()
            raise

    def write(self, fleet: Fleet, control_port: int, token: str) -> None:
        """All files, `lab.json` last; claims the directory where that has not been done."""
        if not self._claim.is_held:
            self.claim()
        self._folder(SECRETS, 0o700)
        for user in (fleet.administrator, *fleet.phones.values()):
            self._file(f"{SECRETS}/{user.name}", user.password + "\n", secret=True)
        self._file(TOKEN_FILE, token + "\n", secret=True)
        self._file(CA_FILE, fleet.certificates.pem)
        self._file(CONFIG_FILE, _HEADER + yaml.safe_dump(configuration(fleet), sort_keys=False, allow_unicode=True))
        self._file(LAB_FILE, json.dumps(endpoints(fleet, control_port), indent=2) + "\n")

    def remove(self) -> None:
        """Leave nothing behind that the lab made; what others put into the directory stays."""
        self._claim.drop()

    def _refuse_foreign(self, name: str) -> None:
        path = self.directory / name
        if path.exists() or path.is_symlink():
            raise Foreign(errno.EEXIST, "the lab did not make this file and does not replace it", str(path))

    def _folder(self, name: str, mode: int) -> None:
        path = self.directory / name
        if not path.is_dir():
            self._claim.note(name)
            path.mkdir(mode=mode)

    def _file(self, name: str, text: str, *, secret: bool = False) -> None:
        self._refuse_foreign(name)
        self._claim.note(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        handle = os.open(self.directory / name, flags, 0o600 if secret else 0o644)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def configuration(fleet: Fleet) -> dict[str, Any]:
    """The configuration file's content; passwords are named by the file that holds them."""
    return {
        "servers": [_server(node, fleet) for node in fleet.servers],
        "proxies": [_proxy(node) for node in fleet.proxies],
        "credentials": {
            "default": _credential(fleet.administrator.qualified, fleet.administrator.name),
            **{user.name: _credential(user.qualified, user.name) for user in fleet.phones.values()},
        },
        "restart": {"timeout_seconds": 60, "deadline_seconds": 180},
        # A practice fleet is there to fail in many ways: a canary goes first, and nothing else stops a run.
        "run": {"max_servers": max(50, len(fleet.servers)), "canary": 1, "max_failures": "100%"},
        "verify": {"deadline_seconds": 60, "first_wait_seconds": 0.5, "longest_wait_seconds": 5},
        "journal": "journal.db",
        "logs": {"file": "easfix.log"},
    }


def endpoints(fleet: Fleet, control_port: int) -> dict[str, Any]:
    """Where everything listens, and the process that runs it."""
    return {
        "schema": "easfix-lab/1",
        "pid": os.getpid(),
        "seed": fleet.seed,
        "control": {"host": "127.0.0.1", "port": control_port},
        "faults": [order.text for order in fleet.orders],
        "machines": [
            {
                "name": node.machine.name,
                "fqdn": node.machine.fqdn,
                "role": str(node.machine.role),
                "host": "127.0.0.1",
                "winrm": node.ports.winrm,
                "http": node.ports.http,
                "https": node.ports.https,
            }
            for node in fleet.nodes.values()
        ],
    }


def _server(node: Node, fleet: Fleet) -> dict[str, Any]:
    return {
        **_machine(node),
        "http": {"port": node.ports.http},
        "test_user": fleet.phones[node.machine.name].name,
    }


def _proxy(node: Node) -> dict[str, Any]:
    version = "2007" if node.machine.role == "cas2007" else "2010"
    return {**_machine(node), "version": version, "https": {"port": node.ports.https, "ca": CA_FILE}}


def _machine(node: Node) -> dict[str, Any]:
    return {
        "name": node.machine.name,
        "fqdn": node.machine.fqdn,
        "address": "127.0.0.1",
        "winrm": {"port": node.ports.winrm},
    }


def _credential(username: str, name: str) -> dict[str, Any]:
    return {"username": username, "password_file": f"{SECRETS}/{name}", "auth": "ntlm"}
