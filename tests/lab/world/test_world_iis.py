"""Claims about IIS: sites, pools, worker processes, and metabase backups. domain 2.5-2.7"""

from collections.abc import Callable

import pytest

from agent.lab.clock import DrivenClock
from agent.lab.world.backups import HIGHEST_VERSION, OVERWRITE, SAVE_FIRST
from agent.lab.world.build import add_site
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.iis import RunState
from agent.lab.world.machine import Machine

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
POOL = "ExchangeApplicationPool"
BACK = r"C:\WINDOWS\system32\inetsrv\MetaBack"


def refusal(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(WorldError) as caught:
        action()
    return caught.value.kind


# --- sites and pools -----------------------------------------------------------------------------------------------


def test_a_site_and_its_pools_run_with_the_web_service(machine: Machine) -> None:
    assert (machine.iis.sites(), machine.iis.site_state("1"), machine.iis.pool_state(POOL)) == (
        ["1"],
        RunState.STARTED,
        RunState.STARTED,
    )
    machine.services.stop("W3SVC")
    assert (machine.iis.site_state("1"), machine.iis.pool_state(POOL)) == (RunState.STOPPED, RunState.STOPPED)
    machine.services.stop("IISADMIN", force=True)
    assert machine.iis.site_state("1") is RunState.STOPPED
    machine.services.start("W3SVC")

    assert machine.iis.site_state("1") is RunState.STARTED


def test_one_site_stops_while_the_others_go_on(machine: Machine) -> None:
    add_site(machine, 100, "Mobile", bindings=(":8080:",))
    machine.metabase.set("W3SVC/100", "ServerCommand", 2)

    assert (machine.iis.site_state("1"), machine.iis.site_state("100")) == (RunState.STARTED, RunState.STOPPED)
    assert machine.metabase.get("W3SVC/100", "ServerState") == 4


def test_a_site_that_does_not_start_automatically_stays_stopped(machine: Machine) -> None:
    machine.metabase.set("W3SVC/1", "ServerAutoStart", False)
    machine.services.stop("W3SVC")
    machine.services.start("W3SVC")

    assert machine.iis.site_state("1") is RunState.STOPPED


def test_the_state_of_a_site_is_not_a_change_to_save(machine: Machine) -> None:
    machine.iis.stop_site("1")

    assert not machine.metabase.unsaved


def test_a_worker_process_is_made_for_the_first_request_and_kept(machine: Machine) -> None:
    first = machine.iis.worker(machine.iis.pool_of(EAS))

    assert first is not None
    assert (first.name, POOL in first.command_line) == ("w3wp.exe", True)
    assert machine.iis.worker(POOL.upper()) is first


def test_a_recycle_gives_a_new_worker_and_stops_no_service(machine: Machine) -> None:
    before = machine.iis.worker(POOL)
    machine.iis.recycle(POOL)
    after = machine.iis.worker(POOL)

    assert before is not None
    assert after is not None
    assert after.pid != before.pid
    assert not before.is_alive
    assert machine.counters.seconds_without_mail() == 0
    assert (machine.counters.recycles, machine.counters.iisresets) == (1, 0)
    assert machine.logs.entries("System")[-1].source == "W3SVC"


def test_a_stopped_pool_serves_nobody_and_cannot_be_recycled(machine: Machine) -> None:
    machine.metabase.set(f"W3SVC/AppPools/{POOL}", "AppPoolCommand", 2)

    assert machine.iis.worker(POOL) is None
    assert refusal(lambda: machine.iis.recycle(POOL)) is ErrorKind.SERVICE_NOT_STARTED
    machine.metabase.set(f"W3SVC/AppPools/{POOL}", "AppPoolCommand", 1)
    assert machine.iis.worker(POOL) is not None


def test_a_killed_worker_is_replaced_at_the_next_request(machine: Machine) -> None:
    before = machine.iis.worker(POOL)
    assert before is not None
    machine.processes.kill(before)

    after = machine.iis.worker(POOL)
    assert after is not None
    assert after.pid != before.pid


def test_a_stop_of_the_web_service_ends_its_workers(machine: Machine) -> None:
    worker = machine.iis.worker(POOL)
    assert worker is not None
    machine.services.stop("W3SVC")

    assert not worker.is_alive
    assert machine.iis.worker(POOL) is None
    assert refusal(lambda: machine.iis.start_site("1")) is ErrorKind.SERVICE_NOT_STARTED


# --- the metabase and its service ----------------------------------------------------------------------------------


def test_an_orderly_stop_of_iisadmin_saves_and_a_kill_loses(machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.services.stop("IISADMIN", force=True)
    machine.services.start("IISADMIN")
    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8
    machine.metabase.set(EAS, "AccessSSLFlags", 0)
    process = machine.services.get("IISADMIN").process
    assert process is not None
    machine.processes.kill(process)
    machine.services.start("IISADMIN")

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 8


def test_the_file_on_disk_shows_what_was_saved_and_when(machine: Machine, clock: DrivenClock) -> None:
    path = r"C:\WINDOWS\system32\inetsrv\MetaBase.xml"
    machine.metabase.set(EAS, "AccessSSLFlags", 264)
    assert b'AccessSSLFlags="AccessSSL | AccessSSL128"' not in machine.files.read(path)
    clock.advance(60)

    assert b'AccessSSLFlags="AccessSSL | AccessSSL128"' in machine.files.read(path)
    assert b'Location ="/LM/W3SVC/1/ROOT/Microsoft-Server-ActiveSync"' in machine.files.read(path)
    assert machine.files.entry(path).last_write == clock.now()


def test_a_disk_without_room_for_a_second_copy_fails_the_save(machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.files.free_bytes = 1000

    assert refusal(machine.metabase.save) is ErrorKind.DISK_FULL
    assert machine.metabase.saved_get(EAS, "AccessSSLFlags") == 0


# --- backups -------------------------------------------------------------------------------------------------------


def test_a_backup_holds_memory_as_it_is_and_stops_nothing(machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    made = machine.backups.create("easfix")

    assert (made.version, made.tree.get(EAS, "AccessSSLFlags")) == (0, 8)
    assert machine.counters.backups == 1
    assert machine.counters.seconds_without_mail() == 0
    assert [entry.name for entry in machine.files.list(BACK)] == ["easfix.MD0", "easfix.SC0"]


def test_each_further_backup_of_a_name_has_the_next_version(machine: Machine) -> None:
    versions = [machine.backups.create("easfix").version for _ in range(3)]

    assert versions == [0, 1, 2]
    assert machine.backups.find("EASFIX").version == 2
    assert [each.version for each in machine.backups.list()] == [0, 1, 2]


def test_a_version_that_exists_is_replaced_only_when_asked(machine: Machine) -> None:
    machine.backups.create("easfix", 5)

    assert refusal(lambda: machine.backups.create("easfix", 5)) is ErrorKind.ALREADY_EXISTS
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    assert machine.backups.create("easfix", 5, OVERWRITE).tree.get(EAS, "AccessSSLFlags") == 8
    assert machine.backups.create("easfix", HIGHEST_VERSION, OVERWRITE).version == 5


def test_save_first_saves_the_metabase_too(machine: Machine) -> None:
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.backups.create("easfix", flags=SAVE_FIRST)

    assert machine.metabase.saved_get(EAS, "AccessSSLFlags") == 8


def test_a_backup_that_does_not_fit_leaves_nothing_behind(machine: Machine) -> None:
    machine.files.free_bytes = 400_000

    assert refusal(lambda: machine.backups.create("easfix")) is ErrorKind.DISK_FULL
    assert machine.files.list(BACK) == []
    assert machine.backups.list() == []
    assert machine.counters.backups == 0


@pytest.mark.parametrize("name", ["", "a/b", "x" * 101])
def test_a_name_that_cannot_be_a_file_is_refused(machine: Machine, name: str) -> None:
    assert refusal(lambda: machine.backups.create(name)) is ErrorKind.INVALID_ARGUMENT


def test_a_backup_whose_file_is_gone_does_not_exist(machine: Machine) -> None:
    machine.backups.create("easfix")
    machine.files.delete(rf"{BACK}\easfix.MD0")

    assert machine.backups.list() == []
    assert refusal(lambda: machine.backups.find("easfix")) is ErrorKind.FILE_NOT_FOUND


def test_a_deleted_backup_takes_its_files_along(machine: Machine) -> None:
    machine.backups.create("easfix")
    machine.backups.delete("easfix")

    assert machine.files.list(BACK) == []


def test_a_restore_wipes_every_later_change_and_restarts_the_services(machine: Machine) -> None:
    machine.backups.create("easfix")
    machine.metabase.set(EAS, "AccessSSLFlags", 8)
    machine.metabase.set("W3SVC/1", "ServerComment", "changed later")
    machine.services.stop("POP3Svc")
    seen: list[str] = []
    machine.services.on_transition(lambda service, _, new: seen.append(f"{service.name} {new}"))
    machine.backups.restore("easfix")

    assert machine.metabase.get(EAS, "AccessSSLFlags") == 0
    assert machine.metabase.saved_get("W3SVC/1", "ServerComment") == "Default Web Site"
    assert {"IISADMIN Stopped", "W3SVC Stopped", "IISADMIN Running", "W3SVC Running"} <= set(seen)
    assert machine.counters.services_down_that_ran_before() == ["POP3Svc"]
    assert machine.counters.restores == 1
