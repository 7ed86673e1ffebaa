"""The registry through provider and .NET."""

from __future__ import annotations

from agent.lab.world.machine import Machine

KEY = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\MasSync\\Parameters"
PLAIN = "SYSTEM\\CurrentControlSet\\Services\\MasSync\\Parameters"


def test_a_value_is_read_by_name(session, machine: Machine) -> None:
    machine.registry.create(PLAIN)
    machine.registry.set(PLAIN, "ExchangeVDir", "/exchange-oma")

    assert session.get(f"(Get-ItemProperty -Path '{KEY}').ExchangeVDir") == "/exchange-oma"
    assert session.get(f"(Get-Item -Path '{KEY}').GetValue('ExchangeVDir')") == "/exchange-oma"


def test_a_missing_value_is_an_error_by_name_and_null_by_member(session, machine: Machine) -> None:
    machine.registry.create(PLAIN)
    error = session.run(f"Get-ItemProperty -Path '{KEY}' -Name 'Nope'").error

    assert error.message.startswith("Property Nope does not exist at path HKEY_LOCAL_MACHINE\\SYSTEM")
    assert session.get(f"(Get-ItemProperty -Path '{KEY}').Nope") is None


def test_a_missing_key_is_not_found(session) -> None:
    error = session.run("Get-ItemProperty -Path 'HKLM:\\SOFTWARE\\Nope'").error

    assert error.message == "Cannot find path 'HKLM:\\SOFTWARE\\Nope' because it does not exist."


def test_new_and_set_keep_kinds_apart(session, machine: Machine) -> None:
    script = """
    [void](New-Item -Path 'HKLM:\\SOFTWARE\\Easfix')
    [void](New-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix' -Name 'Flag' -PropertyType 'DWord' -Value 1)
    Set-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix' -Name 'Flag' -Value '2'
    Set-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix' -Name 'Text' -Value 'a'
    """
    session.all(script)
    values = {each.name: (each.kind.value, each.data) for each in machine.registry.values("SOFTWARE\\Easfix")}

    assert values == {"Flag": ("REG_DWORD", 2), "Text": ("REG_SZ", "a")}


def test_a_new_key_needs_its_parent(session) -> None:
    assert session.run("New-Item -Path 'HKLM:\\SOFTWARE\\A\\B'").errors
    assert session.run("[void](New-Item -Path 'HKLM:\\SOFTWARE\\A\\B' -Force)").errors == []


def test_values_and_keys_are_removed(session, machine: Machine) -> None:
    machine.registry.create("SOFTWARE\\Easfix")
    machine.registry.set("SOFTWARE\\Easfix", "Flag", 1)
    session.all("Remove-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix' -Name 'Flag'")
    assert machine.registry.values("SOFTWARE\\Easfix") == []
    session.all("Remove-Item -Path 'HKLM:\\SOFTWARE\\Easfix'")

    assert not machine.registry.exists("SOFTWARE\\Easfix")


def test_a_user_without_rights_reads_but_does_not_write(clerk, machine: Machine) -> None:
    machine.registry.create("SOFTWARE\\Easfix")
    machine.registry.set("SOFTWARE\\Easfix", "Flag", 1)

    assert clerk.get("(Get-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix').Flag") == 1
    error = clerk.run("Set-ItemProperty -Path 'HKLM:\\SOFTWARE\\Easfix' -Name 'Flag' -Value 2").error
    assert error.message == "Requested registry access is not allowed."


def test_the_static_class_reads_too(session, machine: Machine) -> None:
    machine.registry.create("SOFTWARE\\Easfix")
    ask = "[Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\\SOFTWARE\\Easfix', 'Nope', 7)"

    assert session.get(ask) == 7


def test_another_hive_is_refused(session) -> None:
    assert "HKCU" in session.run("Get-ItemProperty -Path 'HKCU:\\Software'").error.message
