"""Where the configuration is looked for, and where the journal and the log are kept."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from agent.errors import ConfigError

VARIABLE = "EASFIX_CONFIG"
_NAME = "config.yaml"


def find(flag: Path | None = None) -> Path:
    """The configuration file: --config, else EASFIX_CONFIG, else here, else the user's own; raises `ConfigError`."""
    if flag is not None:
        return _existing(flag, "--config")
    if os.environ.get(VARIABLE):
        return _existing(Path(os.environ[VARIABLE]), VARIABLE)
    for path in (Path(_NAME), user_config_file()):
        if path.is_file():
            return path.absolute()
    raise ConfigError(
        "there is no configuration",
        where=f"looked at --config (not given), {VARIABLE} (not set), {Path(_NAME).absolute()}, {user_config_file()}",
        next_step=f"copy config.example.yaml to {_NAME} and put your servers in",
    )


def user_config_file(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own configuration file on this system."""
    home = Path.home()
    match system:
        case "win32":
            return Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "easfix" / _NAME
        case "darwin":
            return home / "Library" / "Application Support" / "easfix" / _NAME
        case _:
            return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "easfix" / _NAME


def user_state_directory(system: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the journal and the log of this user are kept unless the configuration says otherwise."""
    home = Path.home()
    match system:
        case "win32":
            return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "easfix"
        case "darwin":
            return home / "Library" / "Application Support" / "easfix"
        case _:
            return Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "easfix"


def _existing(path: Path, told_by: str) -> Path:
    path = path.expanduser().absolute()
    if not path.is_file():
        raise ConfigError("there is no such file", where=str(path), next_step=f"mend {told_by}, or make the file")
    return path
