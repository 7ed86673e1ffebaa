"""Claims about the file system."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.files import FileSystem

TEMP = r"C:\WINDOWS\TEMP"


@pytest.fixture
def files(clock: DrivenClock) -> FileSystem:
    made = FileSystem({}, 1000, clock, threading.RLock())
    made.mkdir(TEMP)
    return made


def refusal(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(WorldError) as caught:
        action()
    return caught.value.kind


def test_of_many_creators_of_one_new_file_exactly_one_succeeds(files: FileSystem) -> None:
    def attempt(number: int) -> bool:
        try:
            files.create_new(rf"{TEMP}\marker", b"%d" % number)
        except WorldError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(64)))

    assert won.count(True) == 1
    assert files.read(rf"{TEMP}\marker") == b"%d" % won.index(True)


def test_names_are_compared_without_case_and_kept_as_first_written(files: FileSystem) -> None:
    files.write(rf"{TEMP}\Marker.txt", b"1")
    files.write(rf"{TEMP}\MARKER.TXT".replace("\\", "/"), b"2")

    assert [entry.name for entry in files.list(TEMP)] == ["Marker.txt"]
    assert files.read(rf"{TEMP}\marker.txt") == b"2"


def test_an_append_makes_the_file_or_adds_to_it(files: FileSystem) -> None:
    files.append(rf"{TEMP}\log", b"a")
    files.append(rf"{TEMP}\log", b"b")

    assert files.read(rf"{TEMP}\log") == b"ab"


def test_a_full_disk_refuses_the_write_and_keeps_the_old_content(files: FileSystem) -> None:
    files.write(rf"{TEMP}\x", b"old")
    files.free_bytes = 4

    assert refusal(lambda: files.write(rf"{TEMP}\x", b"too long for the disk")) is ErrorKind.DISK_FULL
    assert files.read(rf"{TEMP}\x") == b"old"


def test_free_space_follows_writes_and_deletes(files: FileSystem) -> None:
    files.write(rf"{TEMP}\x", b"0123456789")
    assert files.free_bytes == 990
    files.write(rf"{TEMP}\x", b"01234")
    assert files.free_bytes == 995
    files.delete(rf"{TEMP}\x")

    assert files.free_bytes == 1000


def test_a_file_held_open_meets_others_with_a_sharing_violation(files: FileSystem) -> None:
    files.write(rf"{TEMP}\x", b"1")
    close = files.hold(rf"{TEMP}\X")

    for action in (
        lambda: files.read(rf"{TEMP}\x"),
        lambda: files.write(rf"{TEMP}\x", b"2"),
        lambda: files.delete(rf"{TEMP}\x"),
        lambda: files.hold(rf"{TEMP}\x"),
    ):
        assert refusal(action) is ErrorKind.SHARING_VIOLATION
    close()
    assert files.read(rf"{TEMP}\x") == b"1"


def test_what_is_missing_says_whether_the_file_or_the_way_to_it_is(files: FileSystem) -> None:
    assert refusal(lambda: files.read(rf"{TEMP}\nothing")) is ErrorKind.FILE_NOT_FOUND
    assert refusal(lambda: files.write(r"C:\nowhere\x", b"")) is ErrorKind.PATH_NOT_FOUND
    assert refusal(lambda: files.list(r"C:\nowhere")) is ErrorKind.PATH_NOT_FOUND


def test_a_directory_is_neither_read_nor_written_nor_deleted_while_full(files: FileSystem) -> None:
    files.write(rf"{TEMP}\x", b"1")

    assert refusal(lambda: files.read(TEMP)) is ErrorKind.ACCESS_DENIED
    assert refusal(lambda: files.write(TEMP, b"")) is ErrorKind.ACCESS_DENIED
    assert refusal(lambda: files.delete(TEMP)) is ErrorKind.NOT_EMPTY


def test_a_tree_is_deleted_whole(files: FileSystem) -> None:
    files.mkdir(rf"{TEMP}\a\b")
    files.write(rf"{TEMP}\a\b\x", b"1")
    files.delete_tree(rf"{TEMP}\a")

    assert files.list(TEMP) == []


def test_the_root_of_the_drive_can_be_listed_and_written(files: FileSystem) -> None:
    files.write("C:\\x.txt", b"")

    assert [entry.name for entry in files.list("C:\\")] == ["WINDOWS", "x.txt"]


def test_a_write_moves_the_time_of_the_last_write_only(files: FileSystem, clock: DrivenClock) -> None:
    files.write(rf"{TEMP}\x", b"1")
    before = files.entry(rf"{TEMP}\x")
    clock.advance(5)
    files.write(rf"{TEMP}\x", b"2")
    after = files.entry(rf"{TEMP}\x")

    assert after.created == before.created
    assert (after.last_write - before.last_write).total_seconds() == 5
