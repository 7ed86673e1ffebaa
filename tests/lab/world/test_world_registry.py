"""Claims about the registry."""

import threading

import pytest

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.registry import Registry, RegistryKind, image

MASSYNC = r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters"
BASE = image({MASSYNC: {"ExchangeVDir": "/exchange-oma"}, r"SOFTWARE\Microsoft\InetStp": {"MajorVersion": 6}})


@pytest.fixture
def registry() -> Registry:
    return Registry(BASE, threading.RLock())


@pytest.mark.parametrize("prefix", ["", "HKLM:\\", "HKLM\\", "HKEY_LOCAL_MACHINE\\", "hklm:\\"])
def test_every_spelling_of_the_hive_is_the_same_key(registry: Registry, prefix: str) -> None:
    assert registry.get(prefix + MASSYNC.upper(), "exchangevdir") == "/exchange-oma"


def test_a_change_on_one_machine_is_not_seen_on_another(registry: Registry) -> None:
    other = Registry(BASE, threading.RLock())
    registry.set(MASSYNC, "ExchangeVDir", "/changed")

    assert other.get(MASSYNC, "ExchangeVDir") == "/exchange-oma"


def test_values_keep_their_type(registry: Registry) -> None:
    registry.create(r"SOFTWARE\Lab")
    for name, data in (("s", "x"), ("n", 5), ("b", b"\x00"), ("m", ("a", "b"))):
        registry.set(r"SOFTWARE\Lab", name, data)
    registry.set(r"SOFTWARE\Lab", "e", "%TEMP%", RegistryKind.EXPAND_STRING)

    assert [value.kind for value in registry.values(r"SOFTWARE\Lab")] == [
        RegistryKind.STRING,
        RegistryKind.DWORD,
        RegistryKind.BINARY,
        RegistryKind.MULTI_STRING,
        RegistryKind.EXPAND_STRING,
    ]


def test_creating_a_key_makes_those_above_it(registry: Registry) -> None:
    registry.create(r"SOFTWARE\A\B\C")

    assert registry.children(r"HKLM:\SOFTWARE\A") == ["B"]
    assert registry.exists(r"SOFTWARE\A\B")


def test_the_hive_itself_lists_its_keys(registry: Registry) -> None:
    assert sorted(registry.children("HKLM:\\")) == ["SOFTWARE", "SYSTEM"]


def test_a_deleted_key_is_gone_with_all_below_it(registry: Registry) -> None:
    registry.delete(r"SYSTEM\CurrentControlSet")

    assert registry.get(MASSYNC, "ExchangeVDir") is None
    assert not registry.exists(r"SYSTEM\CurrentControlSet\Services")
    assert registry.exists("SYSTEM")


def test_what_is_not_there_reads_as_nothing_and_cannot_be_changed(registry: Registry) -> None:
    assert registry.get(r"SOFTWARE\Nowhere", "x") is None
    for action in (
        lambda: registry.set(r"SOFTWARE\Nowhere", "x", 1),
        lambda: registry.delete(r"SOFTWARE\Nowhere"),
        lambda: registry.delete_value(MASSYNC, "nothing"),
    ):
        with pytest.raises(WorldError) as caught:
            action()
        assert caught.value.kind is ErrorKind.FILE_NOT_FOUND


def test_a_deleted_value_leaves_the_others(registry: Registry) -> None:
    registry.set(MASSYNC, "Other", 1)
    registry.delete_value(MASSYNC, "EXCHANGEVDIR")

    assert [value.name for value in registry.values(MASSYNC)] == ["Other"]
