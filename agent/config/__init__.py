"""The configuration: YAML and environment to `Config`, and passwords when they are needed."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from agent.config import document, problems
from agent.config.conduct import WindowEntry
from agent.config.layers import Layers
from agent.config.places import find, user_config_file, user_state_directory
from agent.config.problems import nearest
from agent.config.readiness import of_readiness
from agent.config.root import Config, schema
from agent.config.secrets import Logon, Prompt, Secrets, nobody, notice_address
from agent.config.targets import Credential, ProxyEntry, ServerEntry
from agent.config.timing import of_windows

__all__ = [
    "Config",
    "Credential",
    "Logon",
    "Prompt",
    "ProxyEntry",
    "Secrets",
    "ServerEntry",
    "WindowEntry",
    "check",
    "find",
    "journal_address",
    "load",
    "log_file",
    "nearest",
    "nobody",
    "notice_address",
    "schema",
    "user_config_file",
    "user_state_directory",
]


def load(path: Path, flags: Mapping[str, object] | None = None) -> Config:
    """The configuration of a file, with the environment and the command line's own values over it.

    `flags` is shaped like the file, e.g. {"run": {"concurrency": 4}}. Raises `ConfigError` with everything that is
    wrong, each with its line.
    """
    return _load(Layers.of(document.read(path), flags or {}))


def check(path: Path) -> Config:
    """As `load`; what it names must be there too. `ConfigError` with everything that is not; no password is read."""
    layers = Layers.of(document.read(path), {})
    config = _load(layers)
    found = of_readiness(config)
    if found:
        raise problems.refuse(found, layers)
    return config


def _load(layers: Layers) -> Config:
    try:
        config = Config.model_validate(layers.values)
    except ValidationError as error:
        raise problems.refuse(problems.of_validation(error), layers) from None  # pydantic's own text shows values
    found = problems.of_references(config) + of_windows(config) + problems.of_environment(config)
    if found:
        raise problems.refuse(found, layers)
    return config


def journal_address(config: Config) -> str:
    """The file or URL of the journal."""
    return config.journal or str(user_state_directory() / "journal.db")


def log_file(config: Config) -> Path:
    """The file of the log."""
    return Path(config.logs.file or user_state_directory() / "easfix.log")
