"""Owns the translation of the world's errors into the exceptions a binding throws, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.clr import ClrError
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

IO_EXCEPTION = "System.IO.IOException"


def is_administrator(engine: Engine) -> bool:
    """Whether the session's user is in the machine's Administrators group."""
    return engine.machine.is_administrator(engine.user)


@contextmanager
def as_com() -> Iterator[None]:
    """Turn the world's errors into COMExceptions, as ADSI gives them."""
    try:
        yield
    except WorldError as error:
        if error.kind is ErrorKind.OPERATIONS_ERROR or error.kind is ErrorKind.NO_SUCH_OBJECT:
            raise hresult.directory_error(error.hresult) from error
        raise hresult.com_error(error.hresult) from error


@contextmanager
def as_io(path: str = "") -> Iterator[None]:
    """Turn the world's errors into System.IO exceptions, with .NET's own texts."""
    try:
        yield
    except WorldError as error:
        raise io_error(error, path or error.about) from error


def io_error(error: WorldError, path: str) -> ClrError:
    """What System.IO throws for a Win32 error. [.NET Framework reference source, __Error.WinIOError]"""
    code = hresult.signed(error.hresult)
    match error.kind:
        case ErrorKind.FILE_NOT_FOUND:
            return ClrError(
                f"Could not find file '{path}'.", "System.IO.FileNotFoundException", bases=(IO_EXCEPTION,), hresult=code
            )
        case ErrorKind.PATH_NOT_FOUND:
            return ClrError(
                f"Could not find a part of the path '{path}'.",
                "System.IO.DirectoryNotFoundException",
                bases=(IO_EXCEPTION,),
                hresult=code,
            )
        case ErrorKind.ACCESS_DENIED:
            return ClrError(f"Access to the path '{path}' is denied.", hresult.ACCESS_EXCEPTION, hresult=code)
        case ErrorKind.ALREADY_EXISTS:
            exists = hresult.signed(hresult.FILE_EXISTS)
            return ClrError(f"The file '{path}' already exists.", IO_EXCEPTION, hresult=exists)
        case ErrorKind.SHARING_VIOLATION:
            used = f"The process cannot access the file '{path}' because it is being used by another process."
            return ClrError(used, IO_EXCEPTION, hresult=code)
    return ClrError(f"{error.message}\r\n", IO_EXCEPTION, hresult=code)
