"""Record the command in a real terminal: `python -m tools.recordings` writes docs/recordings.md.

A person's shell in tmux, an emulator, and Ada, who enters the code. What differs from run to run, such as ports, codes
and times, is replaced by what stays the same.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from azid.emulator import Emulator, Person, User
from tools.parts import ROOT, TMUX

PAGE: Final = ROOT / "docs" / "recordings.md"
WIDTH, HEIGHT = 100, 60
PROMPT: Final = "$ "
PATIENCE: Final = 60
PAUSE: Final = 0.05

ADA: Final = User("ada@contoso.example", password="never typed elsewhere")
DEVICE_PAGE: Final = re.compile(r"(http://localhost:\d+/\S+)")
CODE: Final = re.compile(r"\b([A-HJ-NP-Z2-9]{9})\b")

STEADY: Final = (
    (re.compile(r"eyJ[\w-]{10,}[\w.\-\n]*"), "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9…"),
    (re.compile(r"\b\d{1,2}:\d\d:\d\d\b"), "14:30:00"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(?= \d)"), "2026-01-01"),
    (re.compile(r"(?<=\buti)( +)\S+"), r"\1b6nxKTwtBBQ4gWc0CHb0Ow"),
    (re.compile(r"\b\d+ s ago\b"), "1 s ago"),
    (re.compile(r"(localhost|127\.0\.0\.1):\d+"), r"\1:50000"),
    (re.compile(r"\bin (\d+ min|1 h)\b"), "in 60 min"),
    (re.compile(r"\b\d+ µs\b"), "200 µs"),
    (re.compile(r"\b\d+\.\d s\b"), "1.0 s"),
    (re.compile(r"\b1[78]\d{8}\b"), "1767225600"),
    (CODE, "ABCD23456"),
)

ABOUT: Final = """# The command in a terminal

What each command shows, recorded in a real terminal by `make recordings`, against [the emulator](emulator.md). Codes,
ports, times and tokens are replaced. [The command azid](cli.md) explains them.
"""


class Screen:
    """A shell in tmux.

    :param tmux: the program.
    :param environment: the shell's variables.
    """

    def __init__(self, tmux: Path, environment: dict[str, str]) -> None:
        self._command = [str(tmux), "-L", f"azid-{secrets.token_hex(4)}", "-f", os.devnull]
        self._environment = environment
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        self._tmux("new-session", "-d", *size, "env", f"PS1={PROMPT}", "bash", "--norc", "--noprofile")

    def close(self) -> None:
        self._tmux("kill-server")

    def type(self, text: str, *keys: str) -> None:
        if text:
            self._tmux("send-keys", "-l", text)
        for key in keys:
            self._tmux("send-keys", key)

    def text(self) -> str:
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip()

    def wait_for(self, pattern: re.Pattern[str] | str) -> str:
        """Return the text once it has `pattern` in it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, text := self.text()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The terminal does not show {pattern!r}:\n{text}")
            time.sleep(PAUSE)
        return text

    def clear(self) -> None:
        self.type("clear", "Enter")
        self.wait_for(r"\A\$\Z")
        self._tmux("clear-history")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, *arguments], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout


@contextmanager
def screen(tmux: Path, entra: Emulator, home: Path) -> Iterator[Screen]:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "AZURE_AUTHORITY_HOST": entra.authority,
        "REQUESTS_CA_BUNDLE": entra.ca_file,
        "AZID_STORAGE": "plaintext",
    }
    opened = Screen(tmux, environment)
    try:
        opened.wait_for(r"\A\$\Z")
        yield opened
    finally:
        opened.close()


def record(shell: Screen, command: str, person: Person | None = None, *, until: str | None = None) -> str:
    """Return what the terminal shows of a command.

    :param person: who enters the code that it shows.
    :param until: what it shows when Ctrl-C is to end it. By default it ends by itself.
    """
    shell.clear()
    shell.type(command, "Enter")
    if person is not None:
        text = shell.wait_for(CODE)
        page, code = DEVICE_PAGE.search(text), CODE.search(text)
        assert page is not None
        assert code is not None
        person.enter_code(page[1], code[1])
    if until is not None:
        shell.wait_for(until)
        shell.type("", "C-c")
    return shell.wait_for(r"\n\$\Z").removesuffix("$").rstrip()


def record_completion(shell: Screen) -> str:
    """Return what the terminal shows when a person presses the tabulator twice."""
    shell.clear()
    shell.type('eval "$(azid completion bash)"', "Enter")
    shell.wait_for(r"\n\$\Z")
    shell.type("azid token --output ", "Tab", "Tab")
    text = shell.wait_for(r"kubectl\s+\$ ").rstrip()
    shell.type("", "C-u")
    return text


def steady(text: str, home: Path, ca_file: str) -> str:
    """Return `text` without what differs from run to run."""
    text = text.replace(str(home), "/home/ada").replace(ca_file, "/tmp/azid-emulator/ca.pem")  # noqa: S108
    text = re.sub(r"/tmp/azid-emulator-\w+", "/tmp/azid-emulator", text)  # noqa: S108
    for pattern, instead in STEADY:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def main() -> None:
    tmux = TMUX.locate()
    if tmux is None:
        sys.exit(f"{TMUX.name} is missing: {TMUX.remedy}")
    trusting = "--disable-instance-discovery"
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator([ADA], device_code_interval=1) as entra,
        screen(tmux, entra, Path(folder)) as shell,
    ):
        person = Person(ADA.username, ADA.password)
        scope = "--scope https://graph.microsoft.com/.default"
        recorded = {
            "azid": record(shell, "azid --help"),
            "azid login": record(shell, f"azid login --device-code --no-qr --no-copy {scope} {trusting}", person),
            "azid token": record(shell, f"azid token {scope} --output header"),
            "azid whoami": record(shell, f"azid whoami {scope}"),
            "azid accounts": record(shell, "azid accounts"),
            "azid doctor": record(shell, "azid doctor --offline"),
            "azid logout": record(shell, "azid logout"),
            "azid emulator": record(shell, "azid emulator", until="Ctrl-C"),
            "azid demo": record(shell, "azid demo --unattended 2>/dev/null"),
            "azid completion": record_completion(shell),
        }
        parts = [
            f"## {name}\n\n```text\n{steady(text, Path(folder), entra.ca_file)}\n```\n"
            for name, text in recorded.items()
        ]
    PAGE.write_text("\n".join([ABOUT, *parts]), encoding="utf-8")


if __name__ == "__main__":
    main()
