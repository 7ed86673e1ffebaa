"""Claims about processes: who dies with whom, and how programs run."""

import threading

import pytest

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.machine import Machine
from agent.lab.world.processes import Process, Write

DEADLINE = 10.0


class Sleeper:
    """A program that says it runs, and ends when it is killed or let go."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.over = threading.Event()
        self.go = threading.Event()
        self.arguments: list[str] = []

    def __call__(
        self, machine: Machine, process: Process, arguments: list[str], stdin: bytes, stdout: Write, stderr: Write
    ) -> int:
        self.arguments = arguments
        stdout(stdin)
        self.running.set()
        while not process.killed.is_set() and not self.go.wait(0.005):
            pass
        self.over.set()
        return 7


@pytest.fixture
def sleeper(machine: Machine) -> Sleeper:
    made = machine.programs["sleeper"] = Sleeper()
    return made


def test_an_attached_program_gets_its_words_and_input_and_gives_output_and_exit_code(
    machine: Machine, sleeper: Sleeper
) -> None:
    sleeper.go.set()
    out: list[bytes] = []
    code = machine.processes.run_attached(r'"C:\Tools\Sleeper.EXE" a "b c"', None, b"in", out.append)

    assert (code, sleeper.arguments, out) == (7, ["a", "b c"], [b"in"])


def test_a_child_of_a_shell_dies_with_the_shell(machine: Machine, sleeper: Sleeper) -> None:
    shell = machine.processes.spawn("wsmprovhost.exe", owner="LAB\\operator")
    child = machine.processes.launch("sleeper", shell)
    assert sleeper.running.wait(DEADLINE)
    machine.processes.kill_tree(shell)

    assert sleeper.over.wait(DEADLINE)
    assert (child.is_alive, child.exit_code) == (False, 1)
    assert machine.processes.find(child.pid) is None


def test_a_grandchild_dies_too_though_its_parent_is_already_gone(machine: Machine) -> None:
    shell = machine.processes.spawn("wsmprovhost.exe")
    child = machine.processes.spawn("cmd.exe", shell)
    grandchild = machine.processes.spawn("iisreset.exe", child)
    machine.processes.finish(child)
    machine.processes.kill_tree(shell)

    assert grandchild.killed.is_set()


def test_a_process_made_through_wmi_survives_the_end_of_the_shell(machine: Machine, sleeper: Sleeper) -> None:
    shell = machine.processes.spawn("wsmprovhost.exe")
    process = machine.processes.spawn_detached("sleeper x")
    assert sleeper.running.wait(DEADLINE)
    machine.processes.kill_tree(shell)

    assert process.is_alive
    assert process.parent is not None
    assert process.parent.name == "wmiprvse.exe"
    sleeper.go.set()
    assert machine.processes.wait(process, DEADLINE) == 7


def test_a_kill_takes_one_process_and_leaves_its_children(machine: Machine) -> None:
    parent = machine.processes.spawn("cmd.exe")
    child = machine.processes.spawn("x.exe", parent)
    machine.processes.kill(parent)

    assert (parent.is_alive, child.is_alive) == (False, True)


def test_a_killed_program_keeps_the_exit_code_of_the_kill(machine: Machine, sleeper: Sleeper) -> None:
    process = machine.processes.launch("sleeper", None)
    assert sleeper.running.wait(DEADLINE)
    machine.processes.kill(process, 42)
    assert sleeper.over.wait(DEADLINE)

    assert machine.processes.wait(process, DEADLINE) == 42


def test_a_program_nobody_knows_cannot_be_started(machine: Machine) -> None:
    for line in ("cscript.exe x.vbs", "", "   "):
        with pytest.raises(WorldError) as caught:
            machine.processes.spawn_detached(line)
        assert caught.value.kind is ErrorKind.FILE_NOT_FOUND


def test_a_child_belongs_to_the_user_of_its_parent(machine: Machine, sleeper: Sleeper) -> None:
    sleeper.go.set()
    shell = machine.processes.spawn("winrshost.exe", owner="LAB\\operator")
    seen: list[str] = []
    machine.programs["who"] = lambda _m, process, *_rest: seen.append(process.owner) or 0
    machine.processes.run_attached("who", shell)

    assert seen == ["LAB\\operator"]


def test_process_ids_are_never_used_twice_and_divide_by_four(machine: Machine) -> None:
    pids = [machine.processes.spawn("x.exe").pid for _ in range(50)]

    assert len(set(pids)) == 50
    assert all(pid % 4 == 0 for pid in pids)


def test_a_process_that_ended_cannot_be_killed_afterwards(machine: Machine) -> None:
    process = machine.processes.spawn("x.exe")
    machine.processes.finish(process, 0)
    machine.processes.kill(process)

    assert process.exit_code == 0
    assert not process.killed.is_set()


def run(machine: Machine, line: str, owner: str = "LAB\\administrator", stdin: bytes = b"") -> tuple[int, str, str]:
    out: list[bytes] = []
    err: list[bytes] = []
    code = machine.processes.run_attached(line, None, stdin, out.append, err.append, owner=owner)
    return code, b"".join(out).decode("cp437"), b"".join(err).decode("cp437")


def test_hostname_and_whoami_say_who_is_who(machine: Machine) -> None:
    assert run(machine, "hostname") == (0, "EX01\r\n", "")
    assert run(machine, "whoami") == (0, "lab\\administrator\r\n", "")


def test_taskkill_ends_processes_by_name_and_by_id(machine: Machine) -> None:
    process = machine.processes.spawn("hung.exe")
    code, out, _ = run(machine, "taskkill /F /IM HUNG.exe")

    assert code == 0
    assert str(process.pid) in out
    assert not process.is_alive
    assert run(machine, f"taskkill /F /PID {process.pid}")[0] == 128


def test_taskkill_is_for_administrators(machine: Machine) -> None:
    machine.processes.spawn("hung.exe")

    assert run(machine, "taskkill /F /IM hung.exe", "LAB\\phone")[0] == 1


# --- NET and SC ----------------------------------------------------------------------------------------------------


def test_net_stop_and_start_work_by_display_name(machine: Machine) -> None:
    stopped = run(machine, 'net stop "Microsoft Exchange POP3"')
    started = run(machine, "net start pop3svc")

    assert stopped[0] == started[0] == 0
    assert "The Microsoft Exchange POP3 service was stopped successfully." in stopped[1]
    assert "The Microsoft Exchange POP3 service was started successfully." in started[1]


def test_net_stop_asks_before_it_takes_dependents_along(machine: Machine) -> None:
    code, out, err = run(machine, "net stop iisadmin")

    assert code == 2
    assert "   World Wide Web Publishing Service" in out
    assert "No valid response" in err
    assert machine.services.get("IISADMIN").is_running
    assert run(machine, "net stop iisadmin /y")[0] == 0
    assert not machine.services.get("W3SVC").is_running


@pytest.mark.parametrize(
    ("line", "number"),
    [("net start w3svc", 2182), ("net stop nntpsvc", 3521), ("net start nothing", 2185), ("net start nntpsvc", 1058)],
)
def test_net_refuses_with_the_number_of_its_message(machine: Machine, line: str, number: int) -> None:
    code, _, err = run(machine, line)

    assert code == 2
    assert f"NET HELPMSG {number}." in err


def test_net_start_alone_lists_what_runs(machine: Machine) -> None:
    code, out, _ = run(machine, "net start")

    assert code == 0
    assert "   IIS Admin Service\r\n" in out
    assert "NNTP" not in out


def test_net_and_sc_are_for_administrators(machine: Machine) -> None:
    assert run(machine, "net stop pop3svc", "LAB\\phone")[0] == 2
    assert run(machine, "sc stop pop3svc", "LAB\\phone")[0] == 5
    assert machine.services.get("POP3Svc").is_running


def test_sc_shows_starts_stops_and_configures(machine: Machine) -> None:
    assert "STATE              : 4  RUNNING" in run(machine, "sc query w3svc")[1]
    assert "1  STOPPED" in run(machine, "sc stop pop3svc")[1]
    assert run(machine, "sc config pop3svc start= disabled")[0] == 0
    assert run(machine, "sc start pop3svc")[0] == 1058
    assert run(machine, "sc query nothing")[0] == 1060
    assert "SERVICE_NAME: W3SVC" in run(machine, "sc query")[1]
    assert run(machine, "sc frobnicate")[0] == 1
