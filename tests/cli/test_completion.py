"""`azid completion`: the shells themselves complete with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from azid.cli import exit_codes
from azid.cli.usernames import note_usernames, usernames
from tests.cli.conftest import PATIENCE, Home, Invoke, RunAzid
from tests.support.terminal import AtTerminal

NAMES = ["ada@contoso.example", "bob@contoso.example"]


@pytest.fixture
def shell(home: Home, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds `azid`."""
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "azid"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m azid "$@"\n')
    script.chmod(0o755)
    note_usernames(NAMES, environ=home.environ)
    return {**home.environ, "PATH": f"{programs}{os.pathsep}{home.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None or os.name != "posix":
        pytest.skip(f"{name} is missing")
    return found


def run(command: list[str], environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environ, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def complete_in_bash(words: list[str], environ: dict[str, str]) -> list[str]:
    """Return what bash offers for the last of the words."""
    script = 'eval "$(azid completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
    script += '_azid_completion azid; printf "%s\\n" "${COMPREPLY[@]}"'
    return run([program("bash"), "--norc", "-c", script, "bash", *words], environ)


def test_bash(shell: dict[str, str]) -> None:
    assert complete_in_bash(["azid", "to"], shell) == ["token"]
    assert complete_in_bash(["azid", "l"], shell) == ["login", "logout"]
    assert "--scope" in complete_in_bash(["azid", "token", "--"], shell)
    assert complete_in_bash(["azid", "token", "--output", ""], shell) == ["text", "json", "header", "kubectl"]
    assert complete_in_bash(["azid", "logout", ""], shell) == NAMES
    assert complete_in_bash(["azid", "accounts", "--use", "b"], shell) == NAMES[1:]
    assert complete_in_bash(["azid", "token", "--account", "A"], shell) == NAMES[:1]
    assert complete_in_bash(["azid", "completion", ""], shell) == ["bash", "zsh", "fish"]


def test_fish(fish: Path, shell: dict[str, str]) -> None:
    def complete(line: str) -> list[str]:
        script = f"azid completion fish | source; complete --do-complete '{line}'"
        offered = run([str(fish), "--no-config", "-c", script], shell)
        return [word.partition("\t")[0] for word in offered]

    assert complete("azid to") == ["token"]
    assert set(complete("azid l")) == {"login", "logout"}
    assert "--scope" in complete("azid token --")
    assert complete("azid logout ") == NAMES
    assert complete("azid accounts --use b") == NAMES[1:]


def test_zsh(zsh: Path, shell: dict[str, str]) -> None:
    start = 'autoload -U compinit && compinit -u -D; eval "$(azid completion zsh)"; print ready\n'
    for words, completed in (("azid to", "azid token"), ("azid logout b", f"azid logout {NAMES[1]}")):
        with AtTerminal([str(zsh), "-f", "-i"], {**shell, "TERM": "dumb", "PS1": "> "}) as terminal:
            terminal.write(start)
            terminal.read_until(b"\nready")
            # To the beginning of the line and to its end (Emacs' keys), so that what was completed is printed.
            terminal.write(f'{words}\t\x01print "<\x05>"\n')
            terminal.read_until(f"<{completed}".encode())


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_the_script_is_valid(run_azid: RunAzid, shell_name: str, zsh: Path, fish: Path) -> None:
    done = run_azid("completion", shell_name)
    assert (done.exit_code, done.stderr) == (exit_codes.OK, "")
    subprocess.run(
        [{"bash": program("bash"), "zsh": str(zsh), "fish": str(fish)}[shell_name], "-n"],
        input=done.stdout,
        text=True,
        check=True,
        timeout=PATIENCE,
    )


def test_each_shell_s_installation_is_shown(azid: Invoke) -> None:
    shown = azid("completion", "--help").stdout
    for line in ("~/.bashrc", "~/.zshrc", "~/.config/fish/completions/azid.fish"):
        assert line in shown


def test_names_that_a_shell_would_take_apart_are_not_offered(home: Home) -> None:
    note_usernames(["ada", "bo\nb", "\x1bx", ""], environ=home.environ)
    assert usernames(home.environ) == ["ada"]


def test_no_names_are_known_at_first(tmp_path: Path) -> None:
    assert usernames({"AZID_CONFIG_DIR": str(tmp_path / "nowhere")}) == []
