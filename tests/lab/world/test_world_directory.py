"""Claims about Active Directory and its search filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.directory import Directory, Scope
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.forest import Forest
from agent.lab.world.ldap_filter import compile_filter
from agent.lab.world.machine import Machine

PERSON = {"cn": ("Ann",), "flags": (6,), "objectClass": ("top", "person"), "note": ("a*(b)",)}


def fits(text: str) -> bool:
    return compile_filter(text)(lambda name: PERSON.get(name, ()))


@pytest.mark.parametrize(
    "text",
    [
        "(cn=ann)",
        "cn=Ann",
        "(cn=*)",
        "(cn=A*n)",
        "(flags>=6)",
        "(flags<=6)",
        "(flags=6)",
        "(&(cn=Ann)(objectClass=person))",
        "(|(cn=Bob)(cn=Ann))",
        "(!(cn=Bob))",
        "(!(nothing=*))",
        "(flags:1.2.840.113556.1.4.803:=6)",
        "(flags:1.2.840.113556.1.4.804:=3)",
        r"(note=a\2a\28b\29)",
        "(&(|(cn=x)(cn=a*))(!(flags=5)))",
    ],
)
def test_a_filter_that_fits_finds_the_object(text: str) -> None:
    assert fits(text)


@pytest.mark.parametrize(
    "text",
    ["(cn=Bob)", "(cn=nn)", "(flags>=7)", "(!(cn=*))", "(flags:1.2.840.113556.1.4.803:=5)", "(nothing=*)", "(|)"],
)
def test_a_filter_that_does_not_fit_finds_nothing(text: str) -> None:
    assert not fits(text)


@pytest.mark.parametrize("text", ["((cn=x)", "(cn=x))", "(cn)", "", "(&(cn=x)", "(flags:9.9:=1)", "(!(cn=x)"])
def test_what_is_not_a_filter_is_refused(text: str) -> None:
    with pytest.raises(WorldError) as caught:
        compile_filter(text)

    assert caught.value.kind is ErrorKind.BAD_FILTER


@given(st.text(max_size=30))
def test_any_text_is_either_a_filter_or_refused_as_one(text: str) -> None:
    try:
        compile_filter(text)(lambda name: PERSON.get(name, ()))
    except WorldError as error:
        assert error.kind is ErrorKind.BAD_FILTER


# --- objects -------------------------------------------------------------------------------------------------------


@pytest.fixture
def directory() -> Directory:
    made = Directory("lab.example")
    made.add(f"CN=a,CN=Users,{made.domain_dn}", "user", sAMAccountName="a", flags=6)
    return made


def test_names_of_objects_and_attributes_are_compared_without_case(directory: Directory) -> None:
    found = directory.find("cn=A, cn=users,dc=LAB,dc=example")

    assert found.get("SAMACCOUNTNAME") == "a"
    assert found.get("distinguishedName") == "CN=a,CN=Users,DC=lab,DC=example"


def test_the_containers_above_an_object_are_made_with_it(directory: Directory) -> None:
    assert [child.dn for child in directory.children(f"CN=Users,{directory.domain_dn}")] == [
        f"CN=a,CN=Users,{directory.domain_dn}"
    ]


def test_the_three_scopes_of_a_search_look_as_far_as_they_say(directory: Directory) -> None:
    found = {scope: len(directory.search(directory.domain_dn, "(objectClass=*)", scope)) for scope in Scope}

    assert found == {Scope.BASE: 1, Scope.ONE_LEVEL: 2, Scope.SUBTREE: 4}


def test_an_object_read_before_a_change_stays_as_it_was(directory: Directory) -> None:
    dn = f"CN=a,CN=Users,{directory.domain_dn}"
    before = directory.find(dn)
    directory.set(dn, "FLAGS", 5)

    assert (before.get("flags"), directory.find(dn).get("flags")) == (6, 5)
    directory.set(dn, "flags")
    assert directory.find(dn).values("flags") == ()


def test_a_deleted_object_is_gone_with_all_below_it(directory: Directory) -> None:
    directory.delete(f"CN=Users,{directory.domain_dn}")

    assert not directory.exists(f"CN=a,CN=Users,{directory.domain_dn}")
    assert directory.search(directory.domain_dn, "(sAMAccountName=a)") == []


def test_a_missing_object_and_one_that_exists_are_refused(directory: Directory) -> None:
    for action, kind in (
        (lambda: directory.find("CN=x,DC=lab,DC=example"), ErrorKind.NO_SUCH_OBJECT),
        (lambda: directory.add(f"CN=a,CN=Users,{directory.domain_dn}"), ErrorKind.ALREADY_EXISTS),
    ):
        with pytest.raises(WorldError) as caught:
            action()
        assert caught.value.kind is kind


def test_a_watcher_hears_of_changes_at_and_below_its_place_only(directory: Directory) -> None:
    heard: list[str] = []
    directory.watch(f"cn=users,{directory.domain_dn}", heard.append)
    directory.set(f"CN=a,CN=Users,{directory.domain_dn}", "flags", 1)
    directory.set(directory.configuration_dn, "note", "x")

    assert heard == [f"CN=a,CN=Users,{directory.domain_dn}"]


# --- what Exchange writes (3.5, 7) ---------------------------------------------------------------------------------


def test_the_activesync_directory_is_where_the_documented_name_says(machine: Machine, forest: Forest) -> None:
    dn = (
        "CN=Microsoft-Server-ActiveSync,CN=1,CN=HTTP,CN=Protocols,CN=EX01,CN=Servers,CN=First Administrative Group,"
        "CN=Administrative Groups,CN=Lab,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=lab,DC=example"
    )

    assert forest.directory_dn("EX01", "Microsoft-Server-ActiveSync") == dn
    assert forest.directory.find(dn).get("msExchAuthenticationFlags") == 6
    assert forest.directory.find(dn).get("msExchAccessSSLFlags") == 0


def test_servers_are_found_by_class_with_version_role_and_name(forest: Forest) -> None:
    exchange_2003("EX01", forest)
    exchange_2003("FE01", forest, front_end=True)
    client_access("CAS01", forest)
    client_access("CAS02", forest, 2007)
    found = forest.directory.search(forest.directory.configuration_dn, "(objectClass=msExchExchangeServer)")
    facts = {
        str(each.get("cn")): (
            each.get("serialNumber"),
            each.get("msExchServerRole"),
            each.get("msExchCurrentServerRoles"),
            each.values("networkAddress")[0],
        )
        for each in found
    }

    assert facts == {
        "EX01": ("Version 6.5 (Build 7638.2: Service Pack 2)", None, None, "ncacn_ip_tcp:ex01.lab.example"),
        "FE01": ("Version 6.5 (Build 7638.2: Service Pack 2)", 1, None, "ncacn_ip_tcp:fe01.lab.example"),
        "CAS01": ("Version 14.3 (Build 30123.4)", None, 36, "ncacn_ip_tcp:cas01.lab.example"),
        "CAS02": ("Version 8.3 (Build 30083.6)", None, 36, "ncacn_ip_tcp:cas02.lab.example"),
    }


@pytest.mark.parametrize(("pack", "least"), [(0, 6500), (1, 7226), (2, 7638)])
def test_the_version_number_tells_the_service_pack(forest: Forest, pack: int, least: int) -> None:
    made = exchange_2003("EX07", forest, service_pack=pack)
    number = forest.directory.find(forest.server_dn("EX07")).get("versionNumber")

    assert isinstance(number, int)
    assert least <= number < 1912602624
    assert made.exchange.service_pack == pack


def test_a_script_cannot_bind_to_the_directory_without_a_second_hop(machine: Machine) -> None:
    with pytest.raises(WorldError) as caught:
        machine.bind_directory()

    assert caught.value.message == "An operations error occurred."
    machine.directory_readable = True
    assert machine.bind_directory() is machine.directory
