"""Claims about the metabase: inheritance, memory and disk. domain 2"""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.clock import DrivenClock
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.metabase import Metabase
from agent.lab.world.schema import IpSecurity, attributes
from agent.lab.world.tree import Key, Tree

SITE, ROOT, EAS, CHILD = (
    "W3SVC/1",
    "W3SVC/1/ROOT",
    "W3SVC/1/ROOT/Microsoft-Server-ActiveSync",
    "W3SVC/1/ROOT/Exchange/x",
)
PATHS = ("", "W3SVC", SITE, ROOT, EAS, "W3SVC/1/ROOT/Exchange", CHILD)
TREE = Tree.of(*(Key(path, "IIsWebVirtualDir") for path in PATHS))


class Disk:
    """A disk that can be full, and counts the saves."""

    def __init__(self) -> None:
        self.saves = 0
        self.is_full = False

    def store(self, _: Tree) -> None:
        if self.is_full:
            raise WorldError(ErrorKind.DISK_FULL, "C:")
        self.saves += 1


def new(clock: DrivenClock | None = None, disk: Disk | None = None) -> Metabase:
    return Metabase(TREE, clock or DrivenClock(), threading.RLock(), (disk or Disk()).store)


def refusal(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(WorldError) as caught:
        action()
    return caught.value.kind


# --- inheritance (2.3) ---------------------------------------------------------------------------------------------


def test_a_key_without_its_own_value_shows_its_parents() -> None:
    metabase = new()
    metabase.set(SITE, "AccessSSLFlags", 8)

    assert metabase.get(EAS, "AccessSSLFlags") == 8
    assert metabase.is_inherited(EAS, "AccessSSLFlags")
    assert metabase.holder(EAS, "AccessSSLFlags") == SITE


def test_a_key_with_its_own_value_keeps_it() -> None:
    metabase = new()
    metabase.set(EAS, "AccessSSLFlags", 0)
    metabase.set(SITE, "AccessSSLFlags", 8)

    assert metabase.get(EAS, "AccessSSLFlags") == 0
    assert not metabase.is_inherited(EAS, "AccessSSLFlags")


def test_without_any_value_the_schemas_default_is_in_force() -> None:
    metabase = new()

    assert metabase.get(EAS, "AccessSSLFlags") == 0
    assert metabase.holder(EAS, "AccessSSLFlags") is None


def test_a_value_at_the_computer_reaches_everything() -> None:
    metabase = new()
    metabase.set("", "AccessSSLFlags", 264)

    assert metabase.holder(CHILD, "AccessSSLFlags") == ""
    assert metabase.get(CHILD, "AccessSSLFlags") == 264


def test_a_property_that_is_not_inheritable_stays_where_it_is() -> None:
    metabase = new()
    metabase.set(SITE, "ServerComment", "Default Web Site")

    assert metabase.get(ROOT, "ServerComment") == ""
    assert metabase.holder(ROOT, "ServerComment") is None


def test_deleting_the_own_value_lets_the_inherited_one_through() -> None:
    metabase = new()
    metabase.set(ROOT, "AccessSSLFlags", 8)
    metabase.set(EAS, "AccessSSLFlags", 0)
    metabase.delete_value(EAS, "AccessSSLFlags")

    assert metabase.get(EAS, "AccessSSLFlags") == 8


def test_data_paths_are_the_keys_at_or_below_with_their_own_value() -> None:
    metabase = new()
    for path in (SITE, EAS, CHILD):
        metabase.set(path, "AccessSSLFlags", 8)

    assert metabase.data_paths("AccessSSLFlags", ROOT) == [EAS, CHILD]
    assert metabase.data_paths("accesssslflags") == [SITE, EAS, CHILD]


def test_names_and_paths_are_compared_without_case_and_kept_as_written() -> None:
    metabase = new()
    metabase.set(EAS.upper(), "ACCESSSSLFLAGS", 8)

    assert metabase.own(EAS.lower()) == {"AccessSSLFlags": 8}
    assert metabase.children("w3svc/1/root") == ["Microsoft-Server-ActiveSync", "Exchange"]


@given(
    values=st.dictionaries(st.sampled_from(PATHS), st.integers(0, 2**32 - 1)),
    path=st.sampled_from(PATHS),
)
def test_the_value_in_force_is_always_that_of_the_nearest_holder_above(values: dict[str, int], path: str) -> None:
    metabase = new()
    for each, value in values.items():
        metabase.set(each, "AccessSSLFlags", value)
    parts = path.split("/") if path else []
    line = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    nearest = next((step for step in line if step in values), None)

    assert metabase.holder(path, "AccessSSLFlags") == nearest
    assert metabase.get(path, "AccessSSLFlags") == (0 if nearest is None else values[nearest])
    assert metabase.is_inherited(path, "AccessSSLFlags") == (path not in values)
    assert set(metabase.data_paths("AccessSSLFlags", path)) == {
        each for each in values if not path or each == path or each.startswith(path + "/")
    }


# --- types and bits (2.1) ------------------------------------------------------------------------------------------


def test_the_documented_ids_are_right() -> None:
    ids = {name: attributes(name).id for name in ("AccessSSLFlags", "AuthFlags", "NTAuthenticationProviders")}

    assert ids == {"AccessSSLFlags": 6030, "AuthFlags": 6000, "NTAuthenticationProviders": 6032}


@pytest.mark.parametrize(
    ("bit", "mask"),
    [
        ("AccessSSL", 8),
        ("AccessSSLNegotiateCert", 32),
        ("AccessSSLRequireCert", 64),
        ("AccessSSLMapCert", 128),
        ("AccessSSL128", 256),
    ],
)
def test_a_named_bit_reads_and_writes_its_place_in_the_flags(bit: str, mask: int) -> None:
    metabase = new()
    metabase.set(EAS, "AccessSSLFlags", 0x1E8 & ~mask)
    metabase.set(EAS, bit, True)

    assert metabase.get(EAS, "AccessSSLFlags") == 0x1E8 | mask
    assert metabase.get(EAS, bit) is True
    metabase.set(EAS, bit, False)
    assert metabase.get(EAS, "AccessSSLFlags") == 0x1E8 & ~mask


def test_a_bit_changed_on_an_inheriting_key_takes_the_other_bits_along() -> None:
    metabase = new()
    metabase.set(SITE, "AccessSSLFlags", 8 | 32)
    metabase.set(EAS, "AccessSSL", False)

    assert metabase.own(EAS) == {"AccessSSLFlags": 32}
    assert metabase.get(SITE, "AccessSSLFlags") == 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AccessSSLFlags", "8"),
        ("AccessSSLFlags", 2**32),
        ("ServerComment", 5),
        ("IPSecurity", "10.0.0.1"),
        ("DontLog", "x"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    assert refusal(lambda: new().set(EAS, name, value)) is ErrorKind.INVALID_ARGUMENT  # type: ignore[arg-type] # on purpose


def test_a_negative_number_is_the_dword_with_the_same_bits() -> None:
    metabase = new()
    metabase.set(EAS, "MaxConnections", -1)

    assert metabase.get(EAS, "MaxConnections") == 0xFFFFFFFF


def test_ip_restrictions_are_kept_whole() -> None:
    metabase = new()
    only_cas = IpSecurity(grant_by_default=False, granted=("10.0.0.5, 255.255.255.255",))
    metabase.set(EAS, "IPSecurity", only_cas)

    assert metabase.get(EAS, "IPSecurity") == only_cas


def test_an_unknown_property_and_an_unknown_path_are_told_apart() -> None:
    assert refusal(lambda: new().get(EAS, "AccessTLSFlags")) is ErrorKind.NO_SUCH_PROPERTY
    assert refusal(lambda: new().get("W3SVC/9", "AccessSSLFlags")) is ErrorKind.PATH_NOT_FOUND
    assert refusal(lambda: new().set("W3SVC/9", "AccessSSLFlags", 0)) is ErrorKind.PATH_NOT_FOUND


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_is_made_below_an_existing_one_and_deleted_with_all_below_it() -> None:
    metabase = new()
    metabase.create("w3svc/1/root/exchange-oma", "IIsWebVirtualDir")

    assert metabase.kind("W3SVC/1/ROOT/exchange-oma") == "IIsWebVirtualDir"
    assert metabase.get("W3SVC/1/ROOT/exchange-oma", "KeyType") == "IIsWebVirtualDir"
    metabase.delete("W3SVC/1/ROOT/Exchange")
    assert not metabase.exists(CHILD)
    assert metabase.exists(EAS)


def test_a_key_that_exists_and_a_key_without_a_parent_are_refused() -> None:
    assert refusal(lambda: new().create(EAS, "IIsWebVirtualDir")) is ErrorKind.ALREADY_EXISTS
    assert refusal(lambda: new().create("W3SVC/7/ROOT", "IIsWebVirtualDir")) is ErrorKind.PATH_NOT_FOUND


# --- memory and disk (2.5, 2.6) ------------------------------------------------------------------------------------


def test_a_change_is_in_memory_at_once_and_on_disk_sixty_seconds_later() -> None:
    clock = DrivenClock()
    metabase = new(clock)
    metabase.set(EAS, "AccessSSLFlags", 8)
    clock.advance(59.9)

    assert metabase.get(EAS, "AccessSSLFlags") == 8
    assert metabase.saved_get(EAS, "AccessSSLFlags") == 0
    clock.advance(0.1)
    assert metabase.saved_get(EAS, "AccessSSLFlags") == 8
    assert not metabase.unsaved


def test_a_save_writes_now_and_the_timer_has_nothing_left_to_do() -> None:
    clock, disk = DrivenClock(), Disk()
    metabase = new(clock, disk)
    metabase.set(EAS, "AccessSSLFlags", 8)
    metabase.save()
    clock.advance(600)

    assert metabase.saved_get(EAS, "AccessSSLFlags") == 8
    assert disk.saves == 1


def test_an_orderly_end_saves_and_a_kill_does_not() -> None:
    orderly, killed = new(), new()
    for metabase, save in ((orderly, True), (killed, False)):
        metabase.set(EAS, "AccessSSLFlags", 8)
        metabase.unload(save=save)
        metabase.load()

    assert orderly.get(EAS, "AccessSSLFlags") == 8
    assert killed.get(EAS, "AccessSSLFlags") == 0


def test_a_save_left_over_from_before_a_kill_does_not_write_what_was_lost() -> None:
    clock = DrivenClock()
    metabase = new(clock)
    metabase.set(EAS, "AccessSSLFlags", 8)
    metabase.unload(save=False)
    metabase.load()
    clock.advance(120)

    assert metabase.saved_get(EAS, "AccessSSLFlags") == 0


def test_a_full_disk_fails_the_save_and_keeps_both_states() -> None:
    disk = Disk()
    metabase = new(disk=disk)
    metabase.set(EAS, "AccessSSLFlags", 8)
    disk.is_full = True

    assert refusal(metabase.save) is ErrorKind.DISK_FULL
    assert (metabase.get(EAS, "AccessSSLFlags"), metabase.saved_get(EAS, "AccessSSLFlags")) == (8, 0)


def test_the_sixty_second_save_tries_again_until_the_disk_has_room() -> None:
    clock, disk = DrivenClock(), Disk()
    metabase = new(clock, disk)
    metabase.set(EAS, "AccessSSLFlags", 8)
    disk.is_full = True
    clock.advance(70)
    disk.is_full = False
    clock.advance(60)

    assert metabase.saved_get(EAS, "AccessSSLFlags") == 8


def test_without_iisadmin_every_access_fails_but_the_disk_can_still_be_seen() -> None:
    metabase = new()
    metabase.unload(save=True)

    assert refusal(lambda: metabase.get(EAS, "AccessSSLFlags")) is ErrorKind.RPC_UNAVAILABLE
    assert refusal(lambda: metabase.set(EAS, "AccessSSLFlags", 0)) is ErrorKind.RPC_UNAVAILABLE
    assert refusal(metabase.save) is ErrorKind.RPC_UNAVAILABLE
    assert metabase.saved_get(EAS, "AccessSSLFlags") == 0


def test_setting_the_value_a_key_already_has_is_still_a_change_to_tell() -> None:
    metabase, told = new(), []
    metabase.watch(lambda path, name: told.append((path, name)))
    metabase.set(EAS, "AccessSSL", True)
    metabase.set(EAS, "AccessSSL", True)
    metabase.delete_value(EAS, "AccessSSLFlags")

    assert told == [(EAS, "AccessSSLFlags")] * 3


def test_a_volatile_value_never_reaches_the_disk_and_dies_with_memory() -> None:
    metabase = new()
    metabase.set_volatile(SITE, "ServerState", 2)

    assert metabase.get(SITE, "ServerState") == 2
    assert not metabase.unsaved
    metabase.unload(save=True)
    metabase.load()
    assert metabase.get(SITE, "ServerState") == 4


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.sampled_from(PATHS), st.integers(0, 511)),
            st.tuples(st.just("unset"), st.sampled_from(PATHS), st.just(0)),
            st.sampled_from([("save", "", 0), ("kill", "", 0), ("stop", "", 0), ("wait", "", 0)]),
        ),
        max_size=25,
    )
)
def test_memory_and_disk_follow_the_rules_in_any_order_of_events(steps: list[tuple[str, str, int]]) -> None:
    clock = DrivenClock()
    metabase = new(clock)
    memory: dict[str, int] = {}
    disk: dict[str, int] = {}
    for step, path, value in steps:
        match step:
            case "set":
                metabase.set(path, "AccessSSLFlags", value)
                memory[path] = value
            case "unset":
                metabase.delete_value(path, "AccessSSLFlags")
                memory.pop(path, None)
            case "save":
                metabase.save()
                disk = dict(memory)
            case "wait":
                clock.advance(60)
                disk = dict(memory)
            case _:
                metabase.unload(save=step == "stop")
                metabase.load()
                disk = dict(memory) if step == "stop" else disk
                memory = dict(disk)

    own = {path: metabase.own(path)["AccessSSLFlags"] for path in metabase.data_paths("AccessSSLFlags")}
    saved = {path: metabase.disk.get(path, "AccessSSLFlags") for path in metabase.disk.data_paths("AccessSSLFlags")}
    assert own == memory
    assert saved == disk
