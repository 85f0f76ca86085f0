"""The command as a whole: help, mistakes, and the streams that it writes to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from azid.cli import exit_codes
from azid.cli.group import azid as azid_group
from azid.cli.output import asks_for_json, printable
from azid.emulator import Emulator, Fault, User
from tests.cli.conftest import PATIENCE, Home, Invoke, RunAzid, SignIn, StartAzid
from tests.conftest import GRAPH

COMMANDS = ["login", "token", "whoami", "accounts", "logout", "doctor", "emulator", "demo", "completion"]
ONLY_FOR_TOKENS = {"azure.core", "azid.errors", "cryptography", "flask", "jeepney", "msal", "requests", "segno"}


def test_every_command_is_listed_in_this_order(azid: Invoke) -> None:
    shown = azid("--help").stdout
    assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines() if line[2:3].isalpha()][
        : len(COMMANDS)
    ] == COMMANDS
    assert "Exit codes: 0" in shown


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_has_examples(azid: Invoke, command: list[str]) -> None:
    for option in ("--help", "-h"):
        done = azid(*command, option)
        assert (done.exit_code, done.stderr) == (exit_codes.OK, "")
        assert "azid " in done.stdout.partition("\n\n")[2], "an example"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "completion"])
def test_every_command_can_be_verbose(azid: Invoke, command: str) -> None:
    assert "-v, --verbose" in azid(command, "--help").stdout


@pytest.mark.parametrize("columns", [None, "20", "40", "500", "0", "wide"])
def test_help_fits_any_terminal(run_azid: RunAzid, columns: str | None) -> None:
    done = run_azid("token", "--help", COLUMNS=columns)
    assert (done.exit_code, done.stderr) == (exit_codes.OK, "")


def test_the_list_of_commands_is_told_in_full(azid: Invoke) -> None:
    assert "..." not in azid("--help", COLUMNS="80").stdout.partition("Commands:")[2]
    # Completion cuts what is longer than 45 characters, and fish what comes behind a comma.
    offered = azid(_AZID_COMPLETE="fish_complete", COMP_WORDS="azid ", COMP_CWORD="").stdout.splitlines()
    assert [line.partition("\t")[0] for line in offered] == [f"plain,{name}" for name in COMMANDS]
    assert not [line for line in offered if "..." in line or "," in line.removeprefix("plain,")]


def test_what_was_probably_meant_is_named(azid: Invoke) -> None:
    done = azid("tokne")
    assert (done.exit_code, done.stdout) == (exit_codes.USAGE, "")
    assert "There is no command 'tokne'. Did you mean 'token'?" in done.stderr
    assert "Did you mean" not in azid("xyzzy").stderr


def test_no_command_at_all_shows_the_help(azid: Invoke) -> None:
    done = azid()
    assert done.exit_code == exit_codes.USAGE
    assert "Commands:" in done.output


def test_a_program_is_told_of_its_mistakes_in_json(azid: Invoke) -> None:
    for arguments in (["token", "-o", "json", "--unknown"], ["token", "--unknown", "--output=json"]):
        done = azid(*arguments)
        assert (done.exit_code, done.stdout) == (exit_codes.USAGE, "")
        assert json.loads(done.stderr)["error"]["code"] == "usage"


def test_json_is_recognized_however_it_is_asked_for() -> None:
    assert asks_for_json(["--output", "json"])
    assert asks_for_json(["x", "-o", "json"])
    assert asks_for_json(["-ojson"])
    assert asks_for_json(["--output=json"])
    assert not asks_for_json(["json", "-o", "text"])


@pytest.mark.parametrize("arguments", [["--help"], ["token", "--help"], ["--version"], ["completion", "bash"]])
def test_nothing_heavy_is_loaded_to_help(home: Home, arguments: list[str]) -> None:
    assert not heavy_modules(home, arguments, {})


@pytest.mark.parametrize("words", ["azid to", "azid token --sc", "azid logout a", "azid token --account a"])
def test_nothing_heavy_is_loaded_to_complete(home: Home, words: str) -> None:
    asked = {"_AZID_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    assert not heavy_modules(home, [], asked)


def heavy_modules(home: Home, arguments: list[str], more: dict[str, str]) -> set[str]:
    """Return which modules that only tokens need the command loads."""
    program = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n" + (
        "from azid.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**home.environ, **more},
        timeout=PATIENCE,
    )
    loaded = set(done.stderr.split())
    assert "click" in loaded
    return loaded & ONLY_FOR_TOKENS


def test_modules_of_the_commands_are_named_after_them() -> None:
    import click

    context = click.Context(azid_group)
    for name in azid_group.list_commands(context):
        command = azid_group.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.skipif(os.name != "posix", reason="Windows has no /dev/full, and other pipes")
class TestStreams:
    def test_a_reader_that_has_left(self, sign_in: SignIn, home: Home) -> None:
        sign_in()
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "azid", "token", "--scope", GRAPH]
        try:
            done = subprocess.run(
                command,
                check=False,
                stdout=writing,
                stderr=subprocess.PIPE,
                text=True,
                env=home.environ,
                timeout=PATIENCE,
            )
        finally:
            os.close(writing)
        assert (done.returncode, done.stderr) == (exit_codes.FAILED, "")

    def test_a_full_disk(self, sign_in: SignIn, home: Home) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        sign_in()
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "azid", "token", "--scope", GRAPH],
                check=False,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env=home.environ,
                timeout=PATIENCE,
            )
        assert done.returncode == exit_codes.FAILED
        assert done.stderr.startswith("Error: ")
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    @pytest.mark.parametrize("arguments", [f"token --scope {GRAPH}", "accounts", "whoami", "logout", "tokn"])
    def test_streams_that_are_closed(self, sign_in: SignIn, home: Home, closed: str, arguments: str) -> None:
        if "token" in arguments:
            sign_in()
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$0" -m azid {arguments} {closed}', sys.executable],
            check=False,
            capture_output=True,
            text=True,
            env=home.environ,
            timeout=PATIENCE,
        )
        expected = {"tokn": exit_codes.USAGE, "whoami": exit_codes.SIGN_IN_NEEDED}.get(arguments, exit_codes.OK)
        if "token" in arguments and ">&-" in closed.replace("2>&-", ""):
            expected = exit_codes.FAILED  # nobody has got the token
        assert done.returncode == expected, done.stderr
        assert "Traceback" not in done.stderr
        assert "Usage" not in done.stdout

    @pytest.mark.parametrize("output", ["text", "json"])
    def test_ctrl_c(self, sign_in: SignIn, entra: Emulator, start_azid: StartAzid, output: str) -> None:
        held = threading.Event()
        sign_in()
        entra.inject(Fault(hold=held))
        process = start_azid("token", "--scope", "https://vault.azure.net/.default", "-v", "--output", output)
        assert process.stderr is not None
        for line in process.stderr:
            if "oauth2/v2.0/token" in line:
                break
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(PATIENCE) == exit_codes.INTERRUPTED
        held.set()
        assert "Traceback" not in rest
        told = [json.loads(line)["error"]["code"] for line in rest.splitlines() if line.startswith("{")]
        assert told == (["interrupted"] if output == "json" else [])


@pytest.mark.parametrize(
    "environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}]
)
def test_plain_terminals_get_plain_text(
    sign_in: SignIn, run_azid: RunAzid, entra: Emulator, environment: dict[str, str]
) -> None:
    sign_in(entra.add_user(User("zoë@contoso.example", "Zoë's pass phrase")))
    for arguments in (["accounts"], ["whoami", "--scope", GRAPH]):
        done = run_azid(*arguments, **environment)
        assert (done.exit_code, done.stderr) == (exit_codes.OK, "")
        assert "\x1b" not in done.stdout
        told = json.loads(run_azid(*arguments, "-o", "json", **environment).stdout)
        assert "zoë@contoso.example" in json.dumps(told, ensure_ascii=False)


def test_a_terminal_obeys_no_name() -> None:
    assert printable("a\x1b]0;b\x07\r\nc\u202ed zoë") == "a\\x1b]0;b\\x07\\r\\nc\\u202ed zoë"
    assert printable("a\nb\x00", lines=True) == "a\nb\\x00"
