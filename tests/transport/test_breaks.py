"""What goes wrong on the wire: each time the narrowest of our errors, and a session that is not used again."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

import pytest
from ports import HeldPort
from visiting import ECHO, Visits, eventually, listens, script, shells

from agent import errors
from agent.model import Auth, Effect, Server, Winrm
from agent.transport.waits import Waits
from agent.transport.wire import ConnectTimeout, connect

ONE = "New-Object -TypeName 'PSObject' -Property @{ N = 1 }"


def scripts(visits: Visits) -> int:
    return visits.fleet["EX01"].machine.counters.scripts_run


def test_a_visit_with_one_script_is_nine_requests_at_most(psrp: Visits) -> None:
    """Eight, and one more where the server answers in two pieces, one less where the pool opens in one."""
    visit = psrp.to()
    visit.run(script(ONE), {})
    visit.close()

    assert 7 <= visit.line.sent <= 9


def test_each_further_script_is_four_requests_at_most(psrp: Visits) -> None:
    visit = psrp.to()
    visit.run(script(ONE), {})
    before = visit.line.sent
    visit.run(script(ONE), {})

    assert 3 <= visit.line.sent - before <= 4


def test_a_visit_leaves_no_shell_behind(visits: Visits) -> None:
    before = shells(visits.fleet["EX02"])
    visit = visits.to("EX02")
    visit.run(script(ONE), {})
    during = shells(visits.fleet["EX02"])
    visit.close()

    assert during == before + 1
    assert shells(visits.fleet["EX02"]) == before


def test_a_visit_that_was_never_used_sends_nothing(visits: Visits) -> None:
    before = visits.fleet["EX01"].machine.counters.logons
    visits.to().close()

    assert visits.fleet["EX01"].machine.counters.logons == before


def test_a_closed_visit_can_be_closed_again(visits: Visits) -> None:
    visit = visits.to()
    visit.run(script(ONE), {})
    visit.close()
    sent = visit.line.sent
    visit.close()

    assert visit.line.sent == sent


def test_nobody_listens_is_unreachable(visits: Visits) -> None:
    with HeldPort() as closed, pytest.raises(errors.Unreachable, match="refused") as caught:
        visits.to(port=closed.number).run(script(ONE), {})

    assert caught.value.untouched
    assert caught.value.next_step


def test_a_machine_that_is_down_is_unreachable(visits: Visits) -> None:
    visits.fleet.fault("unreachable@EX01")
    with pytest.raises(errors.Unreachable):
        visits.to().run(script(ONE), {})


def test_an_answer_cut_in_the_middle_is_broken_off(visits: Visits) -> None:
    visits.fleet.fault("reset-mid-answer@EX01")
    with pytest.raises(errors.BrokenOff) as caught:
        visits.to().run(script(ONE), {})

    assert not caught.value.untouched


def test_after_a_break_the_next_script_goes_over_a_new_session(visits: Visits) -> None:
    visit = visits.to()
    visits.fleet.fault("reset-mid-answer@EX01")
    with pytest.raises(errors.BrokenOff):
        visit.run(script(ONE), {})
    visits.fleet["EX01"].wire.set(reset_mid_answer=False)

    assert visit.run(script(ONE), {}) == [{"N": 1}]


def hangs_up(visits: Visits) -> None:
    """The server closes its connections, and takes new ones."""
    node = visits.fleet["EX01"]
    node.wire.set(unreachable=True)
    assert eventually(lambda: not listens(node.ports.winrm))
    assert eventually(lambda: not node.winrm._connections)  # nobody listens a moment before they are closed
    node.wire.set(unreachable=False)
    assert eventually(lambda: listens(node.ports.winrm))


def test_a_write_is_not_sent_over_another_session_by_itself(visits: Visits) -> None:
    """Who slept so long may have been given up for dead: whoever knows whether he was decides, and sends again."""
    visit, writes = visits.to(), script(ONE, effect=Effect.WRITE)
    visit.ready()
    visit.run(writes, {})
    hangs_up(visits)
    ran = scripts(visits)
    with pytest.raises(errors.Lapsed, match="nothing was sent"):
        visit.run(writes, {})

    assert scripts(visits) == ran
    visit.ready()
    assert visit.run(writes, {}) == [{"N": 1}]
    assert scripts(visits) == ran + 1


def test_who_is_ready_has_logged_on_and_run_nothing(visits: Visits) -> None:
    node = visits.fleet["EX01"]
    logons, ran, visit = node.machine.counters.logons, scripts(visits), visits.to()
    visit.ready()
    visit.ready()

    assert (node.machine.counters.logons, scripts(visits)) == (logons + 1, ran)


def test_a_connection_the_server_closed_between_two_scripts_is_opened_anew(visits: Visits) -> None:
    """Nothing had been sent, so the script runs once, on the new session."""
    node = visits.fleet["EX01"]
    visit = visits.to()
    visit.run(script(ONE), {})
    hangs_up(visits)
    ran, logons, failures = scripts(visits), node.machine.counters.logons, node.machine.counters.logon_failures

    answer = visit.run(script(ONE), {})

    assert answer == [{"N": 1}]
    assert scripts(visits) == ran + 1
    assert node.machine.counters.logons == logons + 2  # one to end the old shell, one for the new
    assert node.machine.counters.logon_failures == failures


def test_a_slow_server_is_waited_for(visits: Visits) -> None:
    visits.fleet.fault("slow=0.05@EX01")

    assert visits.run(ONE) == [{"N": 1}]


def test_a_script_past_its_time_is_timed_out_and_does_not_run_on(visits: Visits) -> None:
    before = shells(visits.fleet["EX03"])
    visit = visits.to("EX03")
    with pytest.raises(errors.TimedOut) as caught:
        visit.run(script("Start-Sleep -Seconds 600\n" + ONE, timeout=1.5), {})

    assert not caught.value.untouched
    assert shells(visits.fleet["EX03"]) == before


def test_a_script_may_take_longer_than_the_server_holds_a_request(visits: Visits) -> None:
    visit = visits.to(connector=visits.connector(waits=Waits(operation=1, read=5)))

    assert visit.run(script("Start-Sleep -Milliseconds 2500\n" + ONE), {}) == [{"N": 1}]


def test_an_answer_may_take_longer_than_the_server_may_hold_a_request() -> None:
    with pytest.raises(ValueError, match="read must be more"):
        Waits(operation=20, read=20)


def test_a_pool_that_takes_its_time_to_open_is_waited_for(psrp: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has nothing to say within the operation's time, twice, before the pool is open."""
    from pypsrp.exceptions import WSManFaultError

    from agent.transport.psrp.envelopes import Envelopes

    held = iter((True, True))

    class Slow(Envelopes):
        def receive(self, *args: Any, **kwargs: Any) -> Any:
            if next(held, False):
                raise WSManFaultError(2150858793, None, "nothing yet", None, None, None)
            return super().receive(*args, **kwargs)

    monkeypatch.setattr("agent.transport.psrp.Envelopes", Slow)

    assert psrp.run(ONE) == [{"N": 1}]


def test_an_answer_that_is_no_soap_makes_no_sense(visits: Visits) -> None:
    visits.fleet.fault("garbage-answer@EX01")
    with pytest.raises(errors.BadAnswer):
        visits.to().run(script(ONE), {})


def test_an_answer_without_end_is_not_read_to_the_end(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = visits.to()
    visit.line.most_bytes = 512 * 1024
    text = "foreach ($n in @(1, 2, 3, 4)) { New-Object -TypeName 'PSObject' -Property @{ T = ('x' * 262144) } }"
    with pytest.raises(errors.BadAnswer, match="larger than"):
        visit.run(script(text), {})

    assert visit.line.received < 1024 * 1024


def test_an_oversized_answer_is_a_bad_answer(visits: Visits) -> None:
    visits.fleet.fault("oversized-answer@EX01")
    with pytest.raises(errors.BadAnswer, match="larger than") as caught:
        visits.to().run(script(ONE), {})

    assert not caught.value.untouched


def test_the_quota_of_shells_is_told_as_busy(visits: Visits) -> None:
    full = [visits.to("EX04") for _ in range(5)]
    for visit in full:
        visit.run(script(ONE), {})
    with pytest.raises(errors.Busy) as caught:
        visits.to("EX04").run(script(ONE), {})

    assert caught.value.untouched
    assert caught.value.retryable


def test_the_environments_proxy_is_not_used(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)

    assert visits.run(ONE) == [{"N": 1}]


def test_visits_to_many_servers_do_not_mix_their_answers(visits: Visits) -> None:
    answers: dict[str, object] = {}

    def visit(name: str) -> None:
        made = visits.to(name)
        answers[name] = [made.run(script(ECHO), {"Text": f"{name} {n}"})[0]["Text"] for n in range(3)]

    names = ["EX01", "EX02", "EX03", "EX04"]
    threads = [threading.Thread(target=visit, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert answers == {name: [f"{name} {n}" for n in range(3)] for name in names}


def test_a_name_that_cannot_be_one_cannot_be_resolved() -> None:
    with pytest.raises(socket.gaierror):
        connect(f"{'x' * 70}.invalid", 5985, 1)


def test_a_connection_that_nobody_takes_is_told_from_an_answer_that_does_not_come(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silence(*_: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr("agent.transport.wire.socket.create_connection", silence)
    with pytest.raises(ConnectTimeout):
        connect("127.0.0.1", 5985, 1)


def test_the_server_without_remoting_is_reached_by_its_shell(automatic: Visits) -> None:
    automatic.fleet.fault("psrp-disabled@EX01")

    answer = automatic.to().run(script(ECHO), {"Text": "it's", "Many": ["a", "b"]})

    assert answer == [{"Kind": "echo", "Text": "it's", "Many": ["a", "b"], "Length": 4}]


def test_a_server_that_is_down_is_not_tried_by_another_way(automatic: Visits) -> None:
    with pytest.raises(errors.Unreachable):
        automatic.to(port=1).run(script(ONE), {})


def test_forced_remoting_says_that_there_is_none(psrp: Visits) -> None:
    psrp.fleet.fault("psrp-disabled@EX01")
    with pytest.raises(errors.Unsupported, match="not enabled") as caught:
        psrp.to().run(script(ONE), {})

    assert caught.value.untouched


def test_an_address_and_a_name_may_differ(visits: Visits) -> None:
    node = visits.fleet["EX01"]
    server = Server(
        "EX01", "127.0.0.1", "ex01.lab.example", winrm=Winrm(node.ports.winrm, auth=Auth.NTLM, way=visits.way)
    )
    visit = visits.connector()(server)

    assert visit.run(script(ONE), {}) == [{"N": 1}]
    visit.close()


def test_requests_is_loaded_without_its_guesser_and_without_a_warning() -> None:
    """As large as requests itself; what it would guess is UTF-8."""
    import subprocess
    import sys

    code = (
        "import sys, agent.transport.choose as choose; from agent.model import Server, Way\n"
        "choose.Connector(lambda _: None, None)._maker(Way.PSRP, Server('EX01', '127.0.0.1', 'ex01'), None, None)()\n"
        "print([name for name in ('requests', 'charset_normalizer', 'chardet') if name in sys.modules])\n"
        "import requests; found = requests.Response(); found._content = b'\\xc3\\xa9'; print(found.text == '\\xe9')\n"
        "import charset_normalizer\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109 - a path for another process
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)

    assert (done.stdout.split("\n"), done.stderr) == (["['requests']", "True", ""], "")


def test_the_libraries_are_loaded_when_first_needed() -> None:
    """The command line starts without them."""
    import subprocess
    import sys

    libraries = ("pypsrp", "winrm", "requests", "spnego", "urllib3")
    code = f"import sys, agent.transport.choose; print([name for name in {libraries} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109 - a path for another process
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)

    assert done.stdout.strip() == "[]", done.stderr
