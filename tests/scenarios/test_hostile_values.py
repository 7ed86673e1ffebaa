"""A server that answers in due form, with values of its own choosing: it ends nothing, and speaks for itself only.

What it says is altered where the lab writes it to the wire, so all of easfix reads it. `make test` plays a few that are
always the same; EASFIX_SIMULATION=500 plays so many new ones.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from harness import Answer, Stand

from agent.lab.powershell.clixml import flat
from agent.lab.winrm import pipeline
from agent.lab.winrm.runspacepool import Written
from agent.model import Proof, Server
from agent.verify import Verifier

MANY = int(os.environ.get("EASFIX_SIMULATION", "0"))
SEEDS = range(1000, 1000 + MANY) if MANY else range(16)

NINES = "9" * 400
VALUES = [
    f'<I32 N="{{}}">{NINES}</I32>',
    f'<I32 N="{{}}">-{NINES * 10}</I32>',
    f'<I32 N="{{}}">{NINES * 12}</I32>',
    '<I64 N="{}">9223372036854775807</I64>',
    '<U64 N="{}">18446744073709551615</U64>',
    '<I32 N="{}">-1</I32>',
    '<I32 N="{}">4294967296</I32>',
    '<Db N="{}">INF</Db>',
    '<Db N="{}">NaN</Db>',
    '<Db N="{}">1E+308</Db>',
    '<C N="{}">55296</C>',
    '<S N="{}">x_xD800_</S>',
    '<S N="{}">x_x000D_EX02  right_x000A_EX99  right  nothing to do_x001B_[2J</S>',
    f'<S N="{{}}">{"A" * 100_000}</S>',
    f'<S N="{{}}">{NINES * 12}</S>',
    '<S N="{}">\u00b2</S>',
    '<S N="{}"></S>',
    '<S N="{}">9999-12-31T23:59:59.9999999Z</S>',
    '<S N="{}">0001-01-01T00:00:00.0000000Z</S>',
    '<S N="{}">1.2.3.4.5.6.7</S>',
    '<DT N="{}">9999-12-31T23:59:59.999999</DT>',
    '<Nil N="{}"/>',
    '<B N="{}">true</B>',
    '<B N="{}">false</B>',
    '<Ref N="{}" RefId="0"/>',
    '<Obj N="{}" RefId="9"><LST></LST></Obj>',
    '<Obj N="{}" RefId="9"><LST><Nil/><I32>7</I32><S>a</S></LST></Obj>',
    '<Obj N="{}" RefId="9"><MS><S N="A">b</S></MS></Obj>',
    "",  # the property is not there
]
CODES = {0, 2, 3, 4, 5}
_PROPERTY = re.compile(r'<(\w+) N="(\w+)"(?: ?/>|>[^<]*</\1>)')
_OUTPUT = pipeline._WireSink.output


class Liar:
    """Puts its own values in the place of some properties, always of the same names, from some answer on."""

    def __init__(self, name: str, seed: int) -> None:
        chance = random.Random(seed)
        self.name = name
        self._seed = seed
        self._share = chance.choice((3, 6, 12, 24))
        self._honest = chance.choice((0, 0, 8, 20, 30, 40))
        self._value = chance.choice((None, *VALUES))
        self._doubles = chance.random() < 0.1

    def alter(self, text: str) -> list[str]:
        """What becomes of one object."""
        self._honest -= 1
        if self._honest >= 0:
            return [text]
        changed = _PROPERTY.sub(self._lie, text)
        return [changed, changed] if self._doubles else [changed]

    def _lie(self, found: re.Match[str]) -> str:
        chance = random.Random(f"{self._seed} {found[2]}")
        if found[2] == "Kind" or chance.randrange(self._share):
            return found[0]
        value = chance.choice(VALUES) if self._value is None else self._value
        return value.format(found[2])


@contextmanager
def told_by(liar: Liar) -> Iterator[None]:
    """While in force, this machine lies."""

    def output(self: Any, value: Any) -> None:
        text = flat(value)
        if text is None or self._command._shell.host.machine.name != liar.name:
            _OUTPUT(self, value)
            return
        for each in liar.alter(text.decode()):
            self._command.write(Written(each.encode()), pipeline.PSRPMessageType.PipelineOutput)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline._WireSink, "output", output)
        yield


def no_number(text: str) -> NoReturn:
    raise AssertionError(f"{text} is no JSON")


def judge(answer: Answer) -> None:
    """An answer that a program and a terminal can read, and no defect."""
    assert answer.code in CODES, answer.err
    assert "defect of easfix" not in answer.out + answer.err
    json.loads(answer.out, parse_constant=no_number)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", answer.err)
    assert not re.search(r"^EX99", answer.out + answer.err, re.MULTILINE)
    assert len(answer.out) + len(answer.err) < 2_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_one_server_says_the_other_is_served(tmp_path: Path, seed: int) -> None:
    name = "CAS01" if seed % 4 == 3 else "EX01"
    faults, run = ("require-ssl@EX01", "require-ssl@EX02"), {"canary": 0, "first_wave": 2}
    with Stand(tmp_path, "wire", faults, servers=2, settings={"run": run}) as stand, told_by(Liar(name, seed)):
        judge(stand.easfix("check"))
        judge(stand.easfix("doctor"))
        applied = stand.easfix("apply", "--yes", "--reason", "x")
        judge(applied)
        for command in (["verify"], ["status"], ["show", "last"], ["resume", "last"], ["show", "last"]):
            judge(stand.easfix(*command))

        if name == "EX01":
            assert applied.state("EX02") == "changed"
            assert stand.directory("EX02").flags_memory == 0
        for each in ("EX01", "EX02"):
            assert stand.truth(each).iisresets <= 1


def test_a_web_server_that_easfix_stumbles_over_is_unknown_and_the_others_are_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its web server answers is read by other code than what its scripts do."""
    hops = Verifier.hops

    def stumbling(self: Verifier, server: Server, *, is_before: bool = False) -> list[Proof]:
        if server.name == "EX01":
            raise OverflowError("not one of ours")
        return hops(self, server, is_before=is_before)

    monkeypatch.setattr(Verifier, "hops", stumbling)
    with Stand(tmp_path, "fake", ["healthy@EX01", "healthy@EX02"], servers=2) as stand:
        answer = stand.easfix("verify")

        assert (answer.state("EX01"), answer.state("EX02"), answer.code) == ("unknown", "right", 4)
        assert "OverflowError" in answer.reason("EX01")
