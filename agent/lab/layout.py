"""Owns the files of a lab's directory: a configuration ready for every command, secrets apart, the endpoints."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from agent.lab.control import LAB_FILE, TOKEN_FILE
from agent.lab.fleet import Fleet
from agent.lab.node import Node

CONFIG_FILE, CA_FILE, SECRETS = "config.yaml", "lab-ca.pem", "secrets"
_HEADER = "# Written by `easfix lab up` for its practice fleet; gone when the lab ends. No password stands in it.\n"


class Layout:
    """Writes the files, and removes exactly those again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._made: list[Path] = []
        self._folders: list[Path] = []

    def write(self, fleet: Fleet, control_port: int, token: str) -> None:
        """All files; whatever stood in their place is replaced."""
        self._folder(self.directory)
        self._folder(self.directory / SECRETS, mode=0o700)
        users = {fleet.administrator.name: fleet.administrator, **{user.name: user for user in fleet.phones.values()}}
        for user in users.values():
            self._file(f"{SECRETS}/{user.name}", user.password + "\n", secret=True)
        self._file(TOKEN_FILE, token + "\n", secret=True)
        self._file(CA_FILE, fleet.certificates.pem)
        self._file(CONFIG_FILE, _HEADER + yaml.safe_dump(configuration(fleet), sort_keys=False, allow_unicode=True))
        self._file(LAB_FILE, json.dumps(endpoints(fleet, control_port), indent=2) + "\n")

    def remove(self) -> None:
        """Leave nothing behind that the lab made; what others put into the directory stays."""
        for path in self._made:
            path.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _folder(self, path: Path, mode: int = 0o755) -> None:
        if not path.exists():
            path.mkdir(mode=mode, parents=True)
            self._folders.append(path)

    def _file(self, name: str, text: str, *, secret: bool = False) -> None:
        path = self.directory / name
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        self._made.append(path)


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
        "run": {"max_servers": max(50, len(fleet.servers))},
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
        "faults": [f"{order.fault.name}@{order.server}" for order in fleet.orders],
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
