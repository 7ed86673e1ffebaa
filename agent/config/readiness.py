"""What a configuration names and cannot be used: files, variables, a journal of an unknown kind; no secret is read."""

import os
import shlex
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.config.document import Loc
from agent.config.problems import Problem
from agent.config.root import Config
from agent.config.secrets import is_open_to_others
from agent.config.targets import Credential
from agent.config.timing import of_blackouts

JOURNALS = ("postgresql", "sqlite")
"""What the journal's address may begin with, where it is not a file; drivers may follow after a plus sign."""


def of_readiness(config: Config) -> list[Problem]:
    """Everything that a first run would stumble over on this machine."""
    return [
        *_of_servers(config),
        *_of_credentials(config),
        *_of_notices(config),
        *_of_authorities(config),
        *of_blackouts(config),
        *_of_journal(config),
    ]


def _of_servers(config: Config) -> Iterator[Problem]:
    if not config.servers:
        yield Problem(("servers",), "names no server", "put the Exchange 2003 back-ends under servers")


def _of_credentials(config: Config) -> Iterator[Problem]:
    used = {machine.credentials for machine in (*config.servers, *config.proxies)} | {config.journal_credentials}
    if config.verify.end_to_end:
        used |= {server.test_user for server in config.servers}
    wanted = {name.casefold() for name in used}
    for name, credential in config.credentials.items():
        if name.casefold() in wanted:
            yield from _of_credential(("credentials", name), credential)


def _of_credential(loc: Loc, credential: Credential) -> Iterator[Problem]:
    if credential.password_env:
        yield from _of_variable((*loc, "password_env"), credential.password_env)
    if credential.password_file:
        yield from _of_secret_file((*loc, "password_file"), Path(credential.password_file))


def _of_notices(config: Config) -> Iterator[Problem]:
    for index, entry in enumerate(config.notify):
        if entry.url_env:
            yield from _of_variable(("notify", index, "url_env"), entry.url_env)
        if entry.url_file:
            yield from _of_secret_file(("notify", index, "url_file"), Path(entry.url_file))


def _of_variable(loc: Loc, variable: str) -> Iterator[Problem]:
    if not os.environ.get(variable):
        text = f"the environment variable {variable} is {'empty' if variable in os.environ else 'not set'}"
        yield Problem(loc, text, f"set {variable} where easfix runs, or use another place")


def _of_secret_file(loc: Loc, path: Path) -> Iterator[Problem]:
    try:
        found = path.stat()
    except OSError as error:
        yield Problem(loc, f"{path} cannot be read: {error.strerror}", "mend the path, or make the file")
        return
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
        yield Problem(loc, f"{path} is not a file that this account can read", "mend the path, or the file's rights")
    elif is_open_to_others(path, found.st_mode):
        yield Problem(loc, f"{path} can be read by others", f"chmod 600 {shlex.quote(str(path))}")
    elif not found.st_size:
        yield Problem(loc, f"{path} is empty", "put the secret into it")


def _of_authorities(config: Config) -> Iterator[Problem]:
    places: list[tuple[Loc, str | None]] = [(("winrm", "ca"), config.winrm.ca)]
    places += [(("servers", index, "winrm", "ca"), each.winrm.ca) for index, each in enumerate(config.servers)]
    places += [(("proxies", index, "winrm", "ca"), each.winrm.ca) for index, each in enumerate(config.proxies)]
    places += [(("proxies", index, "https", "ca"), each.https.ca) for index, each in enumerate(config.proxies)]
    for loc, path in places:
        if path:
            yield from _of_authority(loc, path)


def _of_authority(loc: Loc, path: str) -> Iterator[Problem]:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        yield Problem(loc, f"{path} holds no certificate in PEM", "export the authority's certificate as Base-64")
    except OSError as error:
        yield Problem(loc, f"{path} cannot be read: {error.strerror}", "mend the path, or put the PEM file there")


def _of_journal(config: Config) -> Iterator[Problem]:
    kind, is_url, _ = config.journal.partition("://")
    if is_url and kind.partition("+")[0] not in JOURNALS:
        text = f"a journal cannot be kept in {kind}"
        yield Problem(("journal",), text, "give a file, or postgresql://user@host/database")
    elif config.journal and not is_url and Path(config.journal).is_dir():
        yield Problem(("journal",), f"{config.journal} is a directory", "name a file in it")
