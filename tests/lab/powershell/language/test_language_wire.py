"""Values survive the wire as PowerShell's serializer would send them. [MS-PSRP] 2.2.5"""

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from psrpcore.types import PSCryptoProvider, deserialize_clixml, serialize_clixml
from sessions import Kept, new_session

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.bcl.versions import Version
from agent.lab.powershell.values import Byte, Char, Hashtable, Long, Single, TypedArray, UInt32, UInt64, byte_array
from agent.lab.powershell.wire import from_wire, to_wire


class _Plain(PSCryptoProvider):
    def encrypt(self, value: str) -> str:
        return value

    def decrypt(self, value: str) -> str:
        return value


def _sent(value: Any) -> str:
    return serialize_clixml([to_wire(value)], _Plain())


def _back(value: Any) -> Any:
    return from_wire(deserialize_clixml(_sent(value), _Plain())[0])


def _of(script: str) -> Any:
    kept = Kept()
    new_session().engine.run_text(script, kept)
    [value] = kept.out
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        -1,
        Long(5),
        2**40,
        Byte(255),
        UInt32(7),
        UInt64(2**63),
        1.5,
        Single(2.5),
        decimal.Decimal("1.50"),
        "text with <markup> & \x01 and \u20ac",
        Char("a"),
        uuid.UUID(int=5),
        dt.datetime(2011, 3, 14, 15, 9, 26),
        dt.timedelta(days=1, seconds=2, microseconds=3),
        Version("6.5.7638.1"),
        [1, "two", None],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_plain_value_comes_back_as_it_went(value: Any) -> None:
    back = _back(value)

    assert back == value
    assert type(back) is type(value) or isinstance(value, int)


@pytest.mark.parametrize(
    ("value", "element"),
    [
        (5, "<I32>5</I32>"),
        (Long(5), "<I64>5</I64>"),
        (1.5, "<Db>1.5</Db>"),
        (True, "<B>true</B>"),
        ("x", "<S>x</S>"),
        (Char("a"), "<C>97</C>"),
        (None, "<Nil />"),
        (byte_array(b"\x01\x02"), "<BA>AQI=</BA>"),
    ],
)
def test_each_type_has_its_element(value: Any, element: str) -> None:
    assert element in _sent(value)


def test_a_bag_keeps_its_properties_in_order() -> None:
    back = _back(CustomObject({"Kind": "server", "Flags": 8, "Empty": None, "On": True}))

    assert back.items() == [("Kind", "server"), ("Flags", 8), ("Empty", None), ("On", True)]


def test_a_bags_properties_are_extended_ones() -> None:
    assert '<MS><I32 N="A">1</I32></MS>' in _sent(CustomObject({"A": 1}))


def test_an_object_below_the_depth_goes_as_its_text() -> None:
    back = _back(CustomObject({"Inner": CustomObject({"A": 1})}))

    assert back.ps_get("Inner") == "@{A=1}"


def test_deeper_is_kept_when_asked_for() -> None:
    clixml = serialize_clixml([to_wire(CustomObject({"Inner": CustomObject({"A": 1})}), depth=2)], _Plain())
    back = from_wire(deserialize_clixml(clixml, _Plain())[0])

    assert back.ps_get("Inner").ps_get("A") == 1


def test_containers_do_not_count_as_depth() -> None:
    back = _back(CustomObject({"List": [1, [2, 3]], "Table": Hashtable({"k": [4]})}))

    assert back.ps_get("List") == [1, [2, 3]]
    assert back.ps_get("Table").get("K") == [4]


def test_a_typed_array_says_its_type() -> None:
    assert "<T>System.Int32[]</T>" in _sent(TypedArray([1, 2], "System.Int32"))


def test_an_enumeration_goes_as_name_and_number() -> None:
    clixml = _sent(_of("[System.DayOfWeek]::Monday"))

    assert "<ToString>Monday</ToString>" in clixml
    assert "<I32>1</I32>" in clixml


def test_a_local_time_carries_a_zone_and_an_unspecified_one_none() -> None:
    assert "<DT>2011-03-14T00:00:00</DT>" in _sent(_of("[datetime]'2011-03-14'"))
    assert _sent(_of("Get-Date")).split("</DT>")[0].endswith(("Z", "+00:00"))


def test_an_error_record_goes_with_message_id_and_category() -> None:
    clixml = _sent(_of("try { throw 'boom' } catch { $_ }"))

    assert "<ToString>boom</ToString>" in clixml
    assert '<S N="FullyQualifiedErrorId">boom</S>' in clixml
    assert '<S N="ErrorCategory_Message">OperationStopped: (boom:String) []' in clixml


def test_a_service_goes_with_adapted_properties() -> None:
    clixml = _sent(_of("Get-Service -Name 'W3SVC'"))

    assert "<Props>" in clixml and "W3SVC" in clixml
    assert "System.ServiceProcess.ServiceController" in clixml
