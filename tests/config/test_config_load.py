"""From file and environment to Config: what wins, what is refused, and in which words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config import Config, journal_address, load, log_file, schema
from agent.errors import ConfigError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration file and gives its path."""

    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding=encoding)
        return path

    return write


@pytest.fixture
def refused(write: Write) -> Callable[[str], ConfigError]:
    """What is said about a configuration that cannot be used."""

    def refused(text: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            load(write(text))
        return caught.value

    return refused


Refused = Callable[[str], ConfigError]


def test_a_name_is_enough_for_a_server(write: Write) -> None:
    config = load(write("servers: [EX01, EX02]"))

    assert [server.name for server in config.servers] == ["EX01", "EX02"]
    assert config.run.concurrency == 16


def test_flag_over_environment_over_file_over_default(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("run: {concurrency: 2, max_servers: 3, on_failure: leave}")
    monkeypatch.setenv("EASFIX_RUN__CONCURRENCY", "4")
    monkeypatch.setenv("EASFIX_RUN__MAX_SERVERS", "5")

    config = load(path, {"run": {"concurrency": 6}})

    assert (config.run.concurrency, config.run.max_servers, config.run.on_failure) == (6, 5, "leave")
    assert config.verify.attempts == 12


def test_the_environment_reaches_every_kind_of_key(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASFIX_SERVERS", '["EX07"]')
    monkeypatch.setenv("EASFIX_TRANSPORT", "winrm")
    monkeypatch.setenv("EASFIX_CREDENTIALS__DEFAULT__USERNAME", "LAB\\easfix")
    config = load(write("credentials: {default: {prompt: true}}"))

    assert config.servers[0].name == "EX07"
    assert config.transport == "winrm"
    assert config.credentials["default"].username == "LAB\\easfix"


def test_a_config_made_by_hand_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASFIX_RUN__CONCURRENCY", "4")

    assert Config().run.concurrency == 16


def test_an_unknown_key_is_refused_with_its_line_and_what_was_meant(refused: Refused) -> None:
    error = refused("servers:\n  - name: EX01\n    winrm:\n      prot: 5985\n")

    assert error.where.endswith("config.yaml:4")
    assert error.message == "servers.0.winrm.prot: unknown key"
    assert error.next_step == "did you mean port?"


def test_a_key_in_the_wrong_section_is_told_where_it_belongs(refused: Refused) -> None:
    assert refused("concurrency: 4").next_step == "concurrency belongs under run"


def test_a_key_like_no_other_gets_the_choice(refused: Refused) -> None:
    known = "known keys are method, timeout_seconds, deadline_seconds"

    assert refused("restart: {zzz: 1}").next_step == known


def test_everything_wrong_is_said_at_once(refused: Refused) -> None:
    error = refused("run: {concurrency: 0}\nrestart:\n  method: reboot\nservers: [{adress: x}]\n")

    assert error.message.splitlines()[0] == "4 things cannot be used"
    for place in ("run.concurrency", "restart.method", "servers.0.name", "servers.0.adress"):
        assert place in error.message
    assert "config.yaml:3: restart.method: should be 'iisreset', 'recycle' or 'none'" in error.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("servers: EX01", "servers: should be a list: [ONE, TWO], or one a line with a dash before it"),
        ("proxies: CAS01", "proxies: should be a list: [ONE, TWO], or one a line with a dash before it"),
        ("servers: [7]", "servers.0: should be a name, or a section: keys with their values"),
        ("servers: ['EX 01']", "servers.0.name: should be one name, without a space or a comma"),
        ("run: 5", "run: should be a section: keys with their values"),
        ("credentials: [a]", "credentials: should be a section: keys with their values"),
        ("run: {concurrency: abc}", "run.concurrency: should be a whole number"),
        ("run: {concurrency: 0}", "run.concurrency: should be 1 or more"),
        ("winrm: {port: 70000}", "winrm.port: should be 65535 or less"),
        ("verify: {deadline_seconds: soon}", "verify.deadline_seconds: should be a number"),
        ("verify: {deadline_seconds: 0}", "verify.deadline_seconds: should be more than 0"),
        ("verify: {from_agent: 3}", "verify.from_agent: should be true or false"),
        (
            'windows: [{name: n, zone: UTC, duration_minutes: 60, opens: "9 pm"}]',
            'windows.0.opens: should be a time of day, such as "22:00"',
        ),
        ("journal: 7", "journal: should be a text"),
        ("servers: [{fqdn: x}]", "servers.0.name: is missing"),
    ],
)
def test_what_is_wrong_is_said_in_the_operators_words(refused: Refused, text: str, message: str) -> None:
    assert refused(text).message == message


def test_a_server_may_be_a_bare_name_for_an_editor_too() -> None:
    found = schema()

    assert [each.get("type", each.get("$ref")) for each in found["properties"]["servers"]["items"]["anyOf"]] == [
        "string",
        "#/$defs/ServerEntry",
    ]
    assert found["title"] == "easfix configuration"
    assert set(found["$defs"]["HttpSection"]["properties"]["port"]) == {
        "type",
        "default",
        "description",
        "minimum",
        "maximum",
    }


def test_a_value_from_the_environment_is_blamed_on_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASFIX_RUN__CONCURRENCY", "many")

    with pytest.raises(ConfigError) as caught:
        load(write("run: {concurrency: 4}"))

    assert caught.value.where == "the environment (EASFIX_RUN__CONCURRENCY)"


def test_a_value_from_a_flag_is_blamed_on_the_command_line(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write("run: {concurrency: 4}"), {"run": {"concurrency": -1}})

    assert caught.value.where == "the command line"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("EASFIX_RUNN__CONCURRENCY", "did you mean EASFIX_RUN__CONCURRENCY?"),
        ("EASFIX_TRANSPROT", "did you mean EASFIX_TRANSPORT?"),
    ],
)
def test_a_misspelt_variable_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(ConfigError) as caught:
        load(write(""))

    assert (caught.value.where, caught.value.next_step) == (f"the environment ({name})", hint)


def test_a_misspelt_key_in_a_variable_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASFIX_RUN__CONCURENCY", "1")

    with pytest.raises(ConfigError) as caught:
        load(write(""))

    assert caught.value.next_step == "did you mean concurrency?"


@pytest.mark.parametrize("name", ["EASFIX_PASSWORD", "EASFIX_CONFIG", "EASFIX_PG_PASS"])
def test_a_variable_that_is_no_key_is_left_alone(write: Write, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")

    assert load(write("")).servers == ()


def test_a_section_in_the_environment_must_be_json(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASFIX_SERVERS", "EX01 hush-hush")

    with pytest.raises(ConfigError, match="EASFIX_SERVERS is not readable") as caught:
        load(write(""))

    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_paths_are_relative_to_their_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    text = """
journal: runs/journal.db
logs: {file: easfix.log}
winrm: {ca: ca.pem}
servers: [{name: EX01, winrm: {ca: ex01.pem}}]
proxies: [{name: CAS01, https: {ca: /etc/corp.pem}}]
credentials: {default: {username: u, password_file: pw.txt}}
"""
    path = write(text)
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load(path)

    assert config.journal == str(tmp_path / "runs" / "journal.db")
    assert config.logs.file == str(tmp_path / "easfix.log")
    assert config.winrm.ca == str(tmp_path / "ca.pem")
    assert config.servers[0].winrm.ca == str(tmp_path / "ex01.pem")
    assert config.proxies[0].https.ca == str(Path("/etc/corp.pem"))
    assert config.credentials["default"].password_file == str(tmp_path / "pw.txt")


def test_paths_of_the_environment_and_of_flags_are_relative_to_here(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("EASFIX_JOURNAL", "j.db")
    config = load(path, {"logs": {"file": "x.log"}})

    assert config.journal == str(tmp_path / "here" / "j.db")
    assert config.logs.file == str(tmp_path / "here" / "x.log")


def test_a_database_url_is_not_a_path(write: Write) -> None:
    assert load(write("journal: postgresql://db/easfix")).journal == "postgresql://db/easfix"


def test_without_a_word_journal_and_log_are_kept_in_the_state_directory(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "state"))
    config = load(write(""))

    assert Path(journal_address(config)).is_relative_to(tmp_path / "state")
    assert log_file(config).is_relative_to(tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("servers: [EX01, ex01]", "servers.1.name", "already the name of servers.0", "keep one"),
        ("servers: [X]\nproxies: [x]", "proxies.0.name", "already the name of servers.0", "keep one"),
        ("servers: [{name: EX01, credentials: defualt}]", "servers.0.credentials", "no credential set", "default"),
        ("servers: [{name: EX01, test_user: who}]", "servers.0.test_user", "no credential set", "known are default"),
        ("servers: [{name: E, proxies: [CAS1]}]\nproxies: [CAS01]", "servers.0.proxies", "no proxy CAS1", "CAS01?"),
        ("servers: [{name: EX01, proxies: [CAS1]}]", "servers.0.proxies", "no proxy", "no proxy at all"),
        ("journal_credentials: pg", "journal_credentials", "no credential set pg", "known are default"),
        ("journal: postgresql://u:hush@h/d", "journal", "holds a password", "journal_credentials"),
    ],
)
def test_a_name_must_be_defined_once_and_only_once(
    refused: Refused, text: str, place: str, says: str, hint: str
) -> None:
    error = refused(text)

    assert error.message.startswith(f"{place}: ")
    assert says in error.message
    assert hint in error.next_step


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        ("{username: u, prompt: true, password_env: X}", "more than once where the password is: password_env, prompt"),
        ("{prompt: true}", "not whose: add username"),
        ("{username: u, auth: ntlm}", "needs a password for ntlm"),
    ],
)
def test_a_password_is_in_one_place(refused: Refused, credential: str, says: str) -> None:
    assert says in refused(f"credentials: {{default: {credential}}}").message


def test_a_ticket_needs_no_password(write: Write) -> None:
    assert load(write("credentials: {default: {auth: kerberos}}")).credentials["default"].sources == ()


def test_a_password_in_the_file_is_refused_and_never_repeated(refused: Refused) -> None:
    error = refused("credentials:\n  default:\n    username: u\n    password: hush-hush\n")

    assert error.where.endswith("config.yaml:4")
    assert "password_env" in error.next_step
    assert "hush" not in f"{error.message}{error.next_step}{error!r}"
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("timeouts: {read_seconds: 20}", "read_seconds must be more than operation_seconds"),
        ("timeouts: {operation_seconds: 61}", "60 or less"),
        ("restart: {timeout_seconds: 700}", "deadline_seconds must be more than timeout_seconds"),
        ("servers: [NO]", "servers.0"),
        ("servers: [{name: 'a b'}]", "servers.0.name"),
        ("servers: [{name: 'a,b'}]", "servers.0.name"),
        ("- servers", "list of keys"),
        ("run: {a: [", "not YAML"),
        ("run: {}\nrun: {}\n", "run stands here and on line 1"),
        ("when: !!python/object:os.system {}", "not YAML"),
    ],
)
def test_nonsense_is_refused(refused: Refused, text: str, says: str) -> None:
    assert says in refused(text).message


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_all_defaults(write: Write, text: str) -> None:
    assert load(write(text)) == Config()


def test_a_file_from_notepad_is_read(write: Write) -> None:
    assert load(write("servers: [EX01]", encoding="utf-8-sig")).servers[0].name == "EX01"


def test_a_file_that_is_not_utf8_says_so(write: Write) -> None:
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(write("servers: [ÄX01]", encoding="latin-1"))


def test_yaml_anchors_and_merges_work(write: Write) -> None:
    text = "servers:\n- &first\n  name: EX01\n  priority: 5\n- <<: *first\n  name: EX02\n"

    assert [server.priority for server in load(write(text)).servers] == [5, 5]


@pytest.mark.parametrize("text", ["run: {max_failures: yes}", "run: {concurrency: on}", "servers: [{name: no}]"])
def test_a_yes_is_not_a_number_and_a_no_is_not_a_name(refused: Refused, text: str) -> None:
    assert "should not be yes or no" in refused(text).message


@pytest.mark.parametrize("value", ["'200%'", "0.5", "lots", "[3]", "null", "'%'"])
def test_a_limit_is_a_number_of_servers_or_a_percentage(refused: Refused, value: str) -> None:
    assert 'a percentage from "1%" to "100%"' in refused(f"run: {{max_failures: {value}}}").message


def test_a_window_without_a_single_day_is_refused(refused: Refused) -> None:
    window = '{name: w, days: [], opens: "22:00", duration_minutes: 60, zone: UTC}'

    assert "days" in refused(f"windows: [{window}]").message
