"""From the configuration and the operator's names to the servers of a run."""

import pytest

from agent import inventory
from agent.config import Config
from agent.errors import Capped, EmptySelection, UnknownName
from agent.model import Auth, Guard, Https, Role, Way


def config(**values: object) -> Config:
    return Config.model_validate({"servers": ["EX01", "EX02", "EX03"], **values})


def names(*given: object, **options: object) -> list[str]:
    return [server.name for server in inventory.select(*given, **options)]  # type: ignore[arg-type]  # as given


def test_without_limit_and_skip_it_is_all_of_them() -> None:
    assert names(config()) == ["EX01", "EX02", "EX03"]


def test_limit_and_skip_know_names_in_any_case() -> None:
    assert names(config(), ["ex03", "EX01"]) == ["EX01", "EX03"]
    assert names(config(), None, ["ex02"]) == ["EX01", "EX03"]
    assert names(config(), ["EX01", "EX02"], ["EX01"]) == ["EX02"]


def test_a_name_given_twice_is_one_server() -> None:
    assert names(config(), ["EX01", "ex01"]) == ["EX01"]


@pytest.mark.parametrize(("limit", "skip"), [(["EX1"], []), (None, ["EX1"])])
def test_an_unknown_name_is_refused_with_what_was_meant(limit: list[str] | None, skip: list[str]) -> None:
    with pytest.raises(UnknownName) as caught:
        inventory.select(config(), limit, skip)

    assert "EX1" in caught.value.message
    assert "EX01" in caught.value.meant
    assert caught.value.next_step.startswith("did you mean ")


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(UnknownName) as caught:
        inventory.select(config(), ["zzz"])

    assert caught.value.meant == ()


@pytest.mark.parametrize(("limit", "skip"), [([], []), (["EX01"], ["EX01"]), (None, ["EX01", "EX02", "EX03"])])
def test_empty_is_not_all(limit: list[str] | None, skip: list[str]) -> None:
    with pytest.raises(EmptySelection):
        inventory.select(config(), limit, skip)


def test_a_configuration_without_servers_says_so() -> None:
    with pytest.raises(EmptySelection, match="names no servers"):
        inventory.select(config(servers=[]))


def test_one_too_many_is_refused_unless_allowed() -> None:
    capped = config(run={"max_servers": 2})

    with pytest.raises(Capped, match="3 servers are more than"):
        inventory.select(capped)

    assert len(names(capped, may_exceed_cap=True)) == 3


def test_exactly_the_cap_is_allowed() -> None:
    assert len(names(config(run={"max_servers": 3}))) == 3


def test_lower_priority_goes_first_and_equal_ones_by_name() -> None:
    servers = [{"name": "b"}, {"name": "C", "priority": 1}, {"name": "A"}]

    assert names(config(servers=servers)) == ["C", "A", "b"]


def test_a_bare_name_is_also_address_and_fqdn() -> None:
    server = inventory.select(config(), ["EX01"])[0]

    assert (server.address, server.fqdn, server.winrm.port, server.http_port) == ("EX01", "EX01", 5985, 80)
    assert server.winrm.auth is Auth.NEGOTIATE


def test_the_address_is_the_fqdn_unless_given() -> None:
    servers = [{"name": "A", "fqdn": "a.x"}, {"name": "B", "fqdn": "b.x", "address": "192.0.2.1"}]
    found = inventory.select(config(servers=servers))

    assert [(server.fqdn, server.address) for server in found] == [("a.x", "a.x"), ("b.x", "192.0.2.1")]


def test_the_server_wins_over_the_section_and_the_set() -> None:
    values = {
        "servers": [
            "EX01",
            {"name": "EX02", "winrm": {"scheme": "http", "auth": "kerberos"}, "transport": "winrm"},
            {"name": "EX03", "winrm": {"port": 9999, "ca": "own.pem"}},
        ],
        "credentials": {"default": {"username": "u", "prompt": True, "auth": "ntlm"}},
        "winrm": {"scheme": "https", "ca": "all.pem"},
        "transport": "psrp",
    }
    first, second, third = (server.winrm for server in inventory.select(Config.model_validate(values)))

    assert (first.scheme, first.port, first.ca, first.auth, first.way) == ("https", 5986, "all.pem", "ntlm", Way.PSRP)
    assert (second.scheme, second.port, second.auth, second.way) == ("http", 5985, "kerberos", Way.WINRM)
    assert (third.port, third.ca) == (9999, "own.pem")


def test_a_port_for_one_scheme_is_not_used_for_the_other() -> None:
    values = config(winrm={"port": 80}, servers=[{"name": "EX01", "winrm": {"scheme": "https"}}])

    assert inventory.select(values)[0].winrm.port == 5986


def test_a_guard_is_as_for_all_unless_the_server_names_it() -> None:
    values = config(
        guards={"allow_front_end": True, "allow_old_service_pack": True},
        servers=["EX01", {"name": "EX02", "guards": {"allow_front_end": False, "allow_client_certificates": True}}],
    )
    first, second = inventory.select(values)

    assert first.allowed == {Guard.FRONT_END, Guard.OLD_SERVICE_PACK}
    assert second.allowed == {Guard.CLIENT_CERTIFICATES, Guard.OLD_SERVICE_PACK}


def test_every_guard_has_its_key_in_both_places() -> None:
    entry = config().servers[0]

    assert {guard.value for guard in Guard} == set(type(config().guards).model_fields)
    assert {guard.value for guard in Guard} == set(type(entry.guards).model_fields)


def test_all_proxies_lead_to_a_server_unless_it_names_some() -> None:
    proxies = [{"name": "CAS02", "version": "2007"}, {"name": "CAS01", "https": {"port": 444, "ca": "c.pem"}}]
    values = config(
        proxies=proxies, servers=["EX01", {"name": "EX02", "proxies": ["cas01"]}, {"name": "E", "proxies": []}]
    )
    by_name = {server.name: server for server in inventory.select(values)}

    found = {name: [proxy.name for proxy in inventory.proxies_of(server, values)] for name, server in by_name.items()}
    assert found == {"EX01": ["CAS01", "CAS02"], "EX02": ["CAS01"], "E": []}


def test_a_proxy_is_a_server_that_can_be_visited() -> None:
    first, second = inventory.proxies(
        config(proxies=[{"name": "CAS02", "version": "2007"}, {"name": "CAS01", "https": {"port": 444, "ca": "c.pem"}}])
    )

    assert (first.name, first.role, first.https, first.version) == ("CAS01", Role.PROXY, Https(444, "c.pem"), "2010")
    assert (second.name, second.version, second.winrm.port) == ("CAS02", "2007", 5985)
