"""Secrets (passwords, addresses of those who are told), fetched when first needed and shown to nobody."""

import os
import shlex
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from agent.config.conduct import NoticeEntry
from agent.config.targets import Credential
from agent.errors import NoTerminal, SecretMissing
from agent.model import Auth

Prompt = Callable[[str], str]
"""Asks the operator and gives the answer, which is not echoed; raises `NoTerminal` where nobody can be asked."""

NOTIFY_USER = "notify"
"""The user name under which the keyring holds the address of somebody who is told."""


@dataclass(frozen=True, slots=True)
class Logon:
    """Who to log on as; without a username, as the account that easfix runs as."""

    username: str
    password: SecretStr | None  # None for a ticket or logon that is already there
    auth: Auth


def nobody(question: str) -> str:
    """A prompt for where nobody can be asked."""
    raise NoTerminal(
        "a password must be asked for, and there is no terminal",
        where=question,
        next_step="use password_env, password_file or keyring for unattended runs",
    )


def _unheard(password: str) -> None:
    """A listener that does not care."""


class Secrets:
    """The credential sets with their passwords; for many threads, and each password is fetched once."""

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        prompt: Prompt = nobody,
        on_fetched: Callable[[str], None] = _unheard,
    ) -> None:
        self._credentials = {name.casefold(): (name, credential) for name, credential in credentials.items()}
        self._prompt = prompt
        self._on_fetched = on_fetched
        self._fetched: dict[str, Logon] = {}
        self._lock = threading.Lock()

    def logon(self, name: str) -> Logon:
        """Who to log on as with this credential set; raises `SecretMissing`, or what the prompt raises."""
        with self._lock:  # one prompt, however many threads want the answer
            if name.casefold() not in self._fetched:
                self._fetched[name.casefold()] = self._fetch(name)
            return self._fetched[name.casefold()]

    def _fetch(self, name: str) -> Logon:
        if name.casefold() not in self._credentials:
            raise SecretMissing("there is no such credential set", where=f"credentials.{name}")
        written, credential = self._credentials[name.casefold()]
        password = _password(f"credentials.{written}", credential, self._prompt) if credential.sources else None
        if password is not None:
            self._on_fetched(password)
        return Logon(credential.username, SecretStr(password) if password is not None else None, credential.auth)


def notice_address(where: str, entry: NoticeEntry) -> str:
    """The Apprise URL of somebody who is told; raises `SecretMissing`. It may hold a secret: show it to nobody."""
    if entry.url_env:
        address = _from_environment(f"{where}.url_env", entry.url_env)
    elif entry.url_file:
        address = _from_file(f"{where}.url_file", Path(entry.url_file))
    else:
        address = _from_keyring(where, entry.keyring, NOTIFY_USER)
    if not address.strip():
        raise SecretMissing("the address is empty", where=where)
    return address.strip()


def is_open_to_others(path: Path, mode: int) -> bool:
    """Whether others than its owner can read the file; on Windows the access list of the profile decides.

    What systemd hands over (LoadCredential=) belongs to root and is opened to the service by an access list, whose
    mask stands where the rights of the group would: there only those of everybody count.
    """
    if os.name == "nt":
        return False
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY", "")
    is_handed_over = bool(handed_over) and path.parent.absolute() == Path(handed_over).absolute()
    return bool(mode & (stat.S_IRWXO if is_handed_over else stat.S_IRWXG | stat.S_IRWXO))


def _password(where: str, credential: Credential, prompt: Prompt) -> str:
    if credential.password_env:
        password = _from_environment(f"{where}.password_env", credential.password_env)
    elif credential.password_file:
        password = _from_file(f"{where}.password_file", Path(credential.password_file))
    elif credential.keyring:
        password = _from_keyring(where, credential.keyring, credential.username)
    else:
        password = prompt(f"Password of {credential.username}: ")
    if not password:
        raise SecretMissing("the password is empty", where=where)
    return password


def _from_environment(where: str, variable: str) -> str:
    if variable not in os.environ:
        raise SecretMissing(f"the environment variable {variable} is not set", where=where)
    return os.environ[variable]


def _from_file(where: str, path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SecretMissing(f"{path} is not UTF-8", where=where, next_step="save it as UTF-8") from None
    except OSError as error:
        hint = "mend the path, or make the file"
        raise SecretMissing(f"{path} cannot be read: {error.strerror}", where=where, next_step=hint) from None
    if is_open_to_others(path, mode):
        raise SecretMissing(
            f"{path} can be read by others", where=where, next_step=f"chmod 600 {shlex.quote(str(path))}"
        )
    return text.removesuffix("\n").removesuffix("\r")


def _from_keyring(where: str, service: str, username: str) -> str:
    import keyring  # slow to import, and seldom needed
    import keyring.errors

    where = f"{where}.keyring"
    try:
        password = keyring.get_password(service, username)
    except keyring.errors.KeyringError as error:
        raise SecretMissing(f"the keyring cannot be used: {type(error).__name__}", where=where) from None
    if password is None:
        hint = f"keyring set {service} {username}"
        raise SecretMissing(f"the keyring has nothing of {username} under {service}", where=where, next_step=hint)
    return password
