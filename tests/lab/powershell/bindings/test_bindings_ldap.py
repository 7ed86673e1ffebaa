"""What a script sees of Active Directory, with and without the second hop."""

from __future__ import annotations

from agent.lab.world.machine import Machine

SEARCH = """
$searcher = New-Object -TypeName 'DirectoryServices.DirectorySearcher'
$searcher.SearchRoot = New-Object -TypeName 'DirectoryServices.DirectoryEntry' -ArgumentList $root
$searcher.Filter = '(objectClass=msExchExchangeServer)'
$searcher.FindAll() | ForEach-Object { $_.Properties['name'][0] }
"""


def test_a_network_logon_cannot_read_the_directory(session) -> None:
    error = session.run("([ADSI]'LDAP://RootDSE').configurationNamingContext").error

    assert "An operations error occurred." in error.message
    assert error.error.inner is not None
    assert error.error.inner.hresult == 0x80072020 - 2**32


def test_a_readable_directory_gives_its_contexts(session, machine: Machine) -> None:
    machine.directory_readable = True

    expected = "CN=Configuration,DC=lab,DC=example"
    assert session.get("\"$(([ADSI]'LDAP://RootDSE').configurationNamingContext)\"") == expected


def test_an_attribute_is_read_and_written(session, machine: Machine) -> None:
    machine.directory_readable = True
    dn = machine.forest.directory_dn("EX01", "Microsoft-Server-ActiveSync")
    machine.directory.set(dn, "msExchAccessSSLFlags", 264)
    script = f"""
    $entry = [ADSI]'LDAP://{dn}'
    $entry.psbase.Properties['msExchAccessSSLFlags'].Value
    $entry.psbase.Properties['msExchAccessSSLFlags'].Value = 0
    $entry.psbase.CommitChanges()
    """

    assert session.get(script) == 264
    assert machine.directory.find(dn).get("msExchAccessSSLFlags") == 0


def test_an_attribute_that_is_not_set_has_no_value(session, machine: Machine) -> None:
    machine.directory_readable = True
    dn = machine.forest.server_dn("EX01")

    assert session.get(f"([ADSI]'LDAP://{dn}').psbase.Properties['nothing'].Count") == 0


def test_a_name_that_is_not_there_is_no_such_object(session, machine: Machine) -> None:
    machine.directory_readable = True
    ask = "[DirectoryServices.DirectoryEntry]::Exists('LDAP://CN=nobody,DC=lab,DC=example')"

    assert session.get(ask) is False


def test_the_searcher_finds_exchange_servers(session, machine: Machine) -> None:
    machine.directory_readable = True

    script = f"$root = 'LDAP://{machine.directory.configuration_dn}'; {SEARCH}"
    assert "EX01" in session.all(script)


def test_the_searcher_loads_what_it_is_told(session, machine: Machine) -> None:
    machine.directory_readable = True
    script = f"""
    $searcher = [ADSISearcher]'(&(objectClass=msExchExchangeServer)(cn=EX01))'
    $searcher.SearchRoot = [ADSI]'LDAP://{machine.directory.configuration_dn}'
    [void]$searcher.PropertiesToLoad.Add('serialNumber')
    $found = $searcher.FindOne()
    $found.Properties['serialnumber'][0]
    $found.Properties.Contains('cn')
    """
    serial, has_name = session.all(script)

    assert serial.startswith("Version 6.5 (Build 7638")
    assert has_name is False
