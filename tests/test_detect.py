"""A look becomes a finding, or an error that says which part of the answer makes no sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from finding_nouns import AT, EAS, SCRIPTS, SERVER, WELL, record_of

from agent.detect import look, read
from agent.errors import BadAnswer
from agent.model import AuthFlags, Effect, Record, Script, SslFlags, VdirRole
from agent.plan import fingerprint
from agent.transport import Arguments, ReadOnly

RECORDS = tuple(record_of(kind) for kind in WELL)


class Answering:
    """A transport that answers with the same records."""

    def __init__(self, *records: Record) -> None:
        self._records = list(records)
        self.sent: list[str] = []

    def run(self, script: Script, arguments: Arguments) -> list[Record]:
        self.sent.append(script.id)
        return self._records

    def close(self) -> None: ...


def test_a_look_sends_one_script_and_tells_everything_it_saw() -> None:
    transport = Answering(*RECORDS)
    found = look(SERVER, ReadOnly(transport), SCRIPTS["detect"], AT)

    assert transport.sent == ["detect"]
    assert (found.server, found.at) == ("EX01", AT)
    assert (found.facts.exchange_build, found.facts.is_front_end, found.facts.exchange_vdir) == (7638, False, "")
    assert [(each.path, each.role, each.flags) for each in found.vdirs] == [(EAS, VdirRole.EAS, SslFlags(264))]
    assert found.vdirs[0].auth_flags == AuthFlags(6)
    assert [(each.path, each.flags) for each in found.vdirs[0].children] == [(f"{EAS}/Devices", SslFlags(8))]
    assert [each.name for each in found.services] == ["SMTPSVC"]
    assert [(each.ssl_flags, each.is_readable) for each in found.ad_objects] == [(None, False)]


def test_the_siblings_are_told_with_the_finding() -> None:
    found = read(SERVER, RECORDS, AT)

    assert [each.name for each in found.siblings] == ["basic-over-plain-http"]


def test_a_flag_word_is_unsigned_whatever_com_says() -> None:
    found = read(SERVER, (record_of("server"), record_of("directory", Flags=-2147483640)), AT)

    assert found.vdirs[0].flags == SslFlags(0x8000_0008)


def test_names_of_properties_and_paths_have_no_case() -> None:
    lower = {name.lower(): value for name, value in record_of("server").items()}
    kid = record_of("child", Parent=EAS.upper())
    found = read(SERVER, (lower, record_of("directory"), kid), AT)

    assert found.facts.computer == "EX01"
    assert len(found.vdirs[0].children) == 1


def test_directories_come_in_the_order_of_their_sites() -> None:
    paths = [f"W3SVC/{site}/ROOT/Microsoft-Server-ActiveSync" for site in (100, 1, 2)]
    records = [record_of("directory", Path=path, Site=int(path.split("/")[1])) for path in paths]
    found = read(SERVER, (record_of("server"), *records), AT)

    assert [each.site for each in found.vdirs] == [1, 2, 100]


@pytest.mark.parametrize(("said", "means"), [(True, True), (False, False), (None, None)])
def test_an_exchange_that_does_not_say_what_it_is_stays_unsaid(said: bool | None, means: bool | None) -> None:
    assert read(SERVER, (record_of("server", FrontEnd=said),), AT).facts.is_front_end is means


@pytest.mark.parametrize(("state", "is_running"), [(2, True), (4, False), (0, False)])
def test_a_site_runs_where_iis_says_started(state: int, is_running: bool) -> None:
    found = read(SERVER, (record_of("server"), record_of("directory", SiteState=state)), AT)

    assert found.vdirs[0].is_site_running is is_running


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ((), "described 0 servers"),
        ((record_of("server"), record_of("server")), "described 2 servers"),
        ((record_of("server"), {"Kind": "weather"}), "unknown kind of record: 'weather'"),
        ((record_of("server"), {}), "without the property Kind"),
        ((record_of("server", Kind=7),), "Kind = 7, which is not str"),
        ((record_of("server", ExchangeBuild="7638"),), "ExchangeBuild = '7638', which is not int"),
        ((record_of("server", ExchangeBuild=True),), "ExchangeBuild = True, which is not int"),
        ((record_of("server", ExchangeBuild=None),), "ExchangeBuild = None, which is not int"),
        ((record_of("server", Clustered=0),), "Clustered = 0, which is not bool"),
        ((record_of("server", FrontEnd="no"),), "FrontEnd = 'no', which is not bool"),
        ((record_of("server"), record_of("directory", Role="owa")), "Role = 'owa', which is no role"),
        ((record_of("server"), record_of("directory", Flags=[8])), "Flags = [8], which is not int"),
        ((record_of("server"), record_of("child")), "Devices as a child of a directory it left out"),
        ((record_of("server"), record_of("active-directory", SslFlags="8")), "SslFlags = '8', which is not int"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(records: tuple[Record, ...], says: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(SERVER, records, AT)

    assert says in caught.value.message
    assert caught.value.server == "EX01"
    assert caught.value.next_step


EVERY = [(kind, name) for kind in WELL for name in WELL[kind]]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: str(value))
def test_every_property_is_asked_for(kind: str, name: str) -> None:
    """A property that the script forgets is named, and not taken for false or nothing."""
    short: dict[str, Any] = dict(record_of(kind))
    del short[name]
    others = [record_of(each) for each in ("server", "directory") if each != kind]

    with pytest.raises(BadAnswer, match=f"without the property {name}"):
        read(SERVER, (*others, short), AT)


def test_a_look_cannot_write() -> None:
    writing = Script("detect", "", Effect.WRITE, "0" * 64, 60)

    with pytest.raises(Exception, match="may only read"):
        look(SERVER, ReadOnly(Answering(*RECORDS)), writing, AT)


def test_who_was_asked_is_part_of_what_the_plan_rests_on() -> None:
    """The same names in another fleet: everything reads the same, and it is another server all the same."""
    others = [
        replace(SERVER, address="192.0.2.7"),
        replace(SERVER, fqdn="ex01.other.example"),
        replace(SERVER, winrm=replace(SERVER.winrm, port=15985)),
    ]
    prints = {fingerprint(read(server, RECORDS, AT)) for server in (SERVER, *others)}

    assert len(prints) == 4
    assert fingerprint(read(replace(SERVER, fqdn=SERVER.fqdn.upper()), RECORDS, AT)) in prints
