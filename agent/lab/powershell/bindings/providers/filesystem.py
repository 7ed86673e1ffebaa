"""Owns the FileSystem provider."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.disk import Disk
from agent.lab.powershell.bindings.dotnet.information import information
from agent.lab.powershell.bindings.providers.paths import PROVIDERS
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class FileSystemProvider:
    """Drive C."""

    name = "FileSystem"

    def exists(self, engine: Engine, path: str) -> bool:
        """Whether there is a file or directory."""
        return Disk(engine).files.exists(path)

    def is_container(self, engine: Engine, path: str) -> bool:
        """Whether it is a directory."""
        return Disk(engine).is_directory(path)

    def item(self, engine: Engine, path: str, text: str | None = None) -> Any:
        """FileInfo or DirectoryInfo."""
        return information(engine, path, text)

    def children(self, engine: Engine, path: str) -> list[str]:
        """Directories first, as Get-ChildItem lists them."""
        found = Disk(engine).list(path)
        ordered = [each for each in found if each.is_directory] + [each for each in found if not each.is_directory]
        return [each.path for each in ordered]

    def create(self, engine: Engine, path: str, kind: str, value: Any, force: bool) -> Any:
        """A directory, or a file whose content is `value`; one that exists is an error without -Force."""
        disk = Disk(engine)
        match kind.lower():
            case "directory" | "container" | "d":
                if disk.files.exists(path) and not force:
                    raise _exists(path)
                disk.mkdir(path)
            case "file" | "f" | "leaf":
                content = b"" if value is None else engine.to_string(value).encode("utf-8", "replace")
                if force:
                    disk.mkdir(ntpath.dirname(path))
                    disk.write(path, content)
                else:
                    disk.create_new(path, content)
            case _:
                raise Refused(f"New-Item -ItemType {kind or '(asked for at a prompt)'}")
        return self.item(engine, path)

    def remove(self, engine: Engine, path: str) -> None:
        """With all below it."""
        disk = Disk(engine)
        (disk.delete_tree if disk.is_directory(path) else disk.delete)(path)


def _exists(path: str) -> ClrError:
    error = ClrError(f"Item with specified name {path} already exists.", "System.IO.IOException")
    error.error_id, error.category = "DirectoryExist", "ResourceExists"  # type: ignore[attr-defined] # read by errors
    return error


PROVIDERS["FileSystem"] = FileSystemProvider()
