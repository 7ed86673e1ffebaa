"""restart.ps1 and its companions: one restart per run, whoever sends it how often, and every service back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from scripted import EAS, MARKERS, Answer, ScriptError, Server

from agent.lab.world.service import ServiceState, StartMode

RUN = "20260101-abc"


def restart(server: Server, run: str = RUN) -> Answer:
    return server.one("restart", Run=run, TimeoutSeconds=60, DeadlineSeconds=600)


def status(server: Server, run: str = RUN) -> Answer:
    [found] = server.of_kind("restart", "restart-status", Run=run, DeadlineSeconds=600)
    return found


@pytest.fixture
def slow(server: Server) -> Iterator[threading.Event]:
    """iisreset waits until the event is set; set at the end whatever happens."""
    gate = threading.Event()
    run = server.machine.programs["iisreset"]

    def wait(*given: object) -> int:
        assert gate.wait(30)
        return run(*given)  # type: ignore[arg-type] # passed on as they came

    server.machine.programs["iisreset"] = wait  # type: ignore[assignment] # the same shape
    yield gate
    gate.set()
    server.settle()


def test_iis_is_restarted_once_and_the_notes_tell_how_it_ended(server: Server) -> None:
    begun = restart(server)
    server.settle()
    ended = status(server)

    assert begun["Created"] is True
    assert begun["RanBefore"] == ended["RanBefore"]
    assert {"IISADMIN", "SMTPSVC", "W3SVC"} <= set(ended["RanBefore"])
    assert (ended["State"], ended["ExitCode"]) == ("ended", 0)
    assert "successfully restarted" in ended["Output"]
    assert ended["Seconds"] == pytest.approx(server.machine.iisreset.seconds, abs=5)
    assert server.machine.counters.iisresets == 1
    assert server.machine.counters.iisreset_kills == 0


def test_sent_again_it_reports_and_restarts_nothing(server: Server) -> None:
    restart(server)
    server.settle()
    again = restart(server)
    server.settle()

    assert (again["Created"], again["State"]) == (False, "ended")
    assert server.machine.counters.iisresets == 1


def test_sent_again_while_it_runs_it_reports_that(server: Server, slow: threading.Event) -> None:
    restart(server)
    again = restart(server)

    assert (again["Created"], again["EndedAt"], again["ExitCode"]) == (False, "", None)
    assert again["State"] in ("claimed", "running")
    slow.set()
    server.settle()
    assert server.machine.counters.iisresets == 1


@pytest.mark.parametrize(
    ("script", "arguments", "counted"),
    [
        ("restart", {"TimeoutSeconds": 60, "DeadlineSeconds": 600}, (1, 0)),
        ("recycle", {"AppPool": "ExchangeApplicationPool"}, (0, 1)),
    ],
)
def test_of_racing_callers_one_restarts(
    server: Server, monkeypatch: pytest.MonkeyPatch, script: str, arguments: dict[str, object], counted: tuple[int, int]
) -> None:
    """All of them have seen that there is no marker before the first one tries to create it."""
    answers: list[Answer] = []
    ready = threading.Barrier(6)
    make = server.machine.files.mkdir

    def meet(path: str) -> None:
        ready.wait(30)
        make(path)

    monkeypatch.setattr(server.machine.files, "mkdir", meet)
    threads = [
        threading.Thread(target=lambda: answers.append(server.one(script, Run=RUN, **arguments))) for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    server.settle()

    assert sorted(each["Created"] for each in answers) == [False] * 5 + [True]
    assert (server.machine.counters.iisresets, server.machine.counters.recycles) == counted


def test_another_run_restarts_on_its_own_account(server: Server) -> None:
    restart(server)
    server.settle()
    restart(server, "another")
    server.settle()

    assert server.machine.counters.iisresets == 2


def test_the_worker_outlives_the_session_that_started_it(server: Server, slow: threading.Event) -> None:
    restart(server)  # its session is killed with all its children before this returns
    slow.set()
    server.settle()

    assert status(server)["State"] == "ended"


def test_a_saved_change_survives_a_restart_that_kills(server: Server) -> None:
    server.machine.iisreset.loses_change = True
    server.one("clear", Path=EAS, Before=264, After=0, Held="explicit")
    restart(server)
    server.settle()

    assert server.flags() == 0


def test_a_service_that_will_not_stop_fails_the_restart_and_nothing_is_killed(server: Server) -> None:
    server.machine.services.get("SMTPSVC").stuck = True
    restart(server)
    server.settle()
    ended = status(server)

    assert ended["State"] == "ended"
    assert ended["ExitCode"] != 0
    assert ended["Output"] != ""
    assert server.machine.counters.iisreset_kills == 0


def test_a_restart_that_never_ends_is_overdue_and_never_repeated(server: Server, slow: threading.Event) -> None:
    restart(server)
    server.clock.advance(601)
    found, again = status(server), restart(server)

    assert (found["State"], again["State"], again["Created"]) == ("overdue", "overdue", False)
    slow.set()
    server.settle()
    assert server.machine.counters.iisresets == 1
    assert status(server)["State"] == "ended", "late is still better known than not"


def test_a_worker_that_comes_too_late_does_nothing(server: Server) -> None:
    """Somebody may already be putting the services right by hand."""
    gate = threading.Event()
    run = server.machine.programs["powershell"]

    def late(*given: object) -> int:
        assert gate.wait(30)
        return run(*given)  # type: ignore[arg-type] # passed on as they came

    server.machine.programs["powershell"] = late  # type: ignore[assignment] # the same shape
    restart(server)
    server.clock.advance(301)
    gate.set()
    server.settle()

    assert server.machine.counters.iisresets == 0
    assert status(server)["State"] == "claimed"


def test_a_worker_that_could_not_be_made_leaves_nothing_behind(server: Server) -> None:
    server.machine.programs["powershell"] = None  # type: ignore[assignment] # the file is gone

    with pytest.raises(ScriptError, match=r"^refused: nothing was started: Win32_Process\.Create answered"):
        restart(server)
    assert server.markers() == []
    assert status(server)["State"] == "absent"


def test_a_full_disk_is_refused_before_anything_is_started(server: Server) -> None:
    server.machine.files.free_bytes = 1000

    with pytest.raises(ScriptError, match=r"^refused: nothing was started"):
        restart(server)
    assert (server.markers(), server.machine.counters.iisresets) == ([], 0)


def test_a_missing_temporary_folder_does_not_matter(server: Server) -> None:
    server.machine.files.delete_tree(r"C:\WINDOWS\TEMP")
    restart(server)
    server.settle()

    assert status(server)["ExitCode"] == 0


@pytest.mark.parametrize("run", ["", "a b", "..", "a'b", "a\\b", "a.restart"])
@pytest.mark.parametrize("script", ["restart", "restart-status", "close"])
def test_a_run_that_is_no_name_is_refused(server: Server, script: str, run: str) -> None:
    with pytest.raises(ScriptError, match=r"^refused: "):
        server.run(script, Run=run)

    assert server.markers() == []


def test_status_of_a_run_that_never_restarted_is_absent(server: Server) -> None:
    found = status(server)

    assert (found["State"], found["ClaimedAt"], found["RanBefore"]) == ("absent", "", [])


def test_status_tells_which_services_ran_before_and_do_not_now(server: Server) -> None:
    server.machine.iisreset.leaves_stopped = {"SMTPSVC"}
    restart(server)
    server.settle()
    services = server.of_kind("service", "restart-status", Run=RUN, DeadlineSeconds=600)

    assert [each["Name"] for each in services if each["RanBefore"] and each["State"] != "Running"] == ["SMTPSVC"]


def test_services_that_did_not_come_back_are_started(server: Server) -> None:
    server.machine.iisreset.leaves_stopped = {"SMTPSVC", "RESvc"}
    restart(server)
    server.settle()
    answers = server.run("start-services", Name=["SMTPSVC", "RESvc", "W3SVC"], TimeoutSeconds=60)

    assert {each["Name"]: (each["State"], each["Started"], each["Message"]) for each in answers} == {
        "SMTPSVC": ("Running", True, ""),
        "RESvc": ("Running", answers[1]["Started"], ""),
        "W3SVC": ("Running", False, ""),
    }
    assert server.machine.counters.services_down_that_ran_before() == []


def test_a_service_that_cannot_be_started_is_told_and_the_others_go_on(server: Server) -> None:
    services = server.machine.services
    services.stop("POP3Svc", force=True)
    services.stop("IMAP4Svc", force=True)
    services.get("POP3Svc").start_mode = StartMode.DISABLED
    services.get("IMAP4Svc").start_mode = StartMode.MANUAL
    answers = server.run("start-services", Name=["POP3Svc", "Nothing", "IMAP4Svc"], TimeoutSeconds=60)
    found = {each["Name"]: each for each in answers}

    assert (found["POP3Svc"]["State"], found["POP3Svc"]["Started"]) == ("Stopped", False)
    assert found["POP3Svc"]["Message"] != ""
    assert (found["Nothing"]["State"], found["Nothing"]["Message"]) == ("Missing", "there is no such service")
    assert (found["IMAP4Svc"]["State"], found["IMAP4Svc"]["Started"]) == ("Running", True)


def test_everything_is_started_again_after_a_stop_that_was_never_followed_by_a_start(server: Server) -> None:
    """A restart that died half-way: the services are started, iisreset is not repeated."""
    ran = [each["Name"] for each in server.of_kind("service", "detect") if each["State"] == "Running"]
    server.machine.services.stop("IISADMIN", force=True)
    answers = server.run("start-services", Name=ran, TimeoutSeconds=60)

    assert {each["State"] for each in answers} == {"Running"}
    assert all(server.machine.services.get(name).state is ServiceState.RUNNING for name in ran)
    assert server.machine.counters.iisresets == 0


def test_a_pool_is_recycled_once_and_no_service_stops(server: Server) -> None:
    first = server.one("recycle", Run=RUN, AppPool="ExchangeApplicationPool")
    second = server.one("recycle", Run=RUN, AppPool="ExchangeApplicationPool")

    assert (first["Created"], first["State"], first["ExitCode"]) == (True, "ended", 0)
    assert (second["Created"], second["State"], second["ExitCode"]) == (False, "ended", 0)
    assert server.machine.counters.recycles == 1
    assert server.machine.counters.services_down_that_ran_before() == []
    [found] = server.of_kind("restart", "restart-status", Run=RUN, DeadlineSeconds=600, What="recycle")
    assert (found["State"], found["ExitCode"]) == ("ended", 0)


def test_a_pool_that_is_not_there_is_refused(server: Server) -> None:
    with pytest.raises(ScriptError, match=r"^refused: nothing was recycled"):
        server.run("recycle", Run=RUN, AppPool="Nothing")

    assert server.markers() == []


def test_closing_removes_what_the_run_left_and_nothing_else(server: Server) -> None:
    restart(server)
    restart(server, "another")
    server.one("recycle", Run=RUN, AppPool="ExchangeApplicationPool")
    server.settle()
    closed = server.one("close", Run=RUN, DeadlineSeconds=600)

    assert set(closed["Removed"]) >= {f"{RUN}.restart", f"{RUN}.restart.ended", f"{RUN}.recycle"}
    assert [name for name in server.markers() if not name.startswith("another.")] == []
    server.one("close", Run="another", DeadlineSeconds=600)
    assert not server.machine.files.exists(MARKERS)


def test_closing_again_finds_nothing(server: Server) -> None:
    restart(server)
    server.settle()
    server.one("close", Run=RUN, DeadlineSeconds=600)

    assert server.one("close", Run=RUN, DeadlineSeconds=600)["Removed"] == []


def test_a_restart_that_is_going_on_is_not_closed(server: Server, slow: threading.Event) -> None:
    """Without its marker, sending it again would restart twice."""
    restart(server)
    files = server.markers()

    with pytest.raises(ScriptError, match=r"^refused: nothing was removed"):
        server.run("close", Run=RUN, DeadlineSeconds=600)
    assert f"{RUN}.restart" in files
    assert f"{RUN}.restart" in server.markers()


def test_an_overdue_restart_can_be_closed(server: Server, slow: threading.Event) -> None:
    restart(server)
    server.clock.advance(601)

    assert f"{RUN}.restart" in server.one("close", Run=RUN, DeadlineSeconds=600)["Removed"]


def test_no_half_written_note_is_ever_seen(server: Server) -> None:
    restart(server)
    server.settle()

    assert [name for name in server.markers() if name.endswith(".new")] == []
