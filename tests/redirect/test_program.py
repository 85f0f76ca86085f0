"""A program that waits for a browser: interrupted, ended, without standard error, out of file descriptors."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

import azid
from azid.redirect import RedirectListener
from tests.redirect.conftest import RIGHT, Connect, received

StartProgram = Callable[[str], subprocess.Popen[str]]

# Says when it waits, and does what it is told meanwhile.
PROGRAM = """
import os, sys
from azid.clock import SystemClock
from azid.redirect import Outcome, RedirectListener

class SpeakingClock(SystemClock):
    def wait(self, event, seconds):
        print("waiting", flush=True)
        return super().wait(event, seconds)

with RedirectListener(clock=SpeakingClock()) as listener:
    print(listener.redirect_uri, flush=True)
    try:
        response = listener.wait("the-state", 300)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    else:
        response.finish(Outcome.success("ada@example.com"))
        os._exit(0)
"""


@pytest.fixture
def program() -> Iterator[StartProgram]:
    with contextlib.ExitStack() as started:

        def start(source: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", source],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(azid.__file__).parents[1])},
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_a_program_is_interrupted_at_once_and_frees_the_port(program: StartProgram, connect: Connect) -> None:
    process = program(PROGRAM)
    redirect_uri = read_line(process)
    assert read_line(process) == "waiting"
    process.send_signal(signal.SIGINT)
    assert read_line(process) == "interrupted"
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    RedirectListener(redirect_uri).close()


def test_a_program_that_ends_right_after_has_its_page_delivered(program: StartProgram, connect: Connect) -> None:
    process = program(PROGRAM)
    authority = read_line(process).removeprefix("http://")
    browser = connect(int(authority.rpartition(":")[2]))
    browser.sendall(f"GET /?{urlencode(RIGHT)} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    assert process.wait(timeout=20) == 0
    assert received(browser).endswith("</html>\n")


def test_a_program_without_a_stderr_signs_in(program: StartProgram, connect: Connect) -> None:
    process = program("import sys\nsys.stderr = None\n" + PROGRAM)
    authority = read_line(process).removeprefix("http://")
    port = int(authority.rpartition(":")[2])
    for stray in (b"\x16\x03\x01", b"GET /favicon.ico HTTP/1.1\r\n\r\n", b"\xff" * 70_000):
        connection = connect(port)
        with contextlib.suppress(ConnectionError):
            connection.sendall(stray)
        assert received(connection).startswith("HTTP/1.1 4")
    browser = connect(port)
    browser.sendall(f"GET /?{urlencode(RIGHT)} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    assert "You are signed in" in received(browser)
    assert process.wait(timeout=20) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a program's file descriptors")
def test_a_program_that_runs_out_of_file_descriptors_still_signs_in(program: StartProgram, connect: Connect) -> None:
    process = program("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n" + PROGRAM)
    authority = read_line(process).removeprefix("http://")
    port = int(authority.rpartition(":")[2])
    idle = [connect(port) for _ in range(60)]
    browser = connect(port)
    browser.sendall(f"GET /?{urlencode(RIGHT)} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    assert "You are signed in" in received(browser)
    assert len(idle) == 60


def test_a_program_does_not_load_what_only_a_listener_needs(program: StartProgram) -> None:
    process = program("import azid, sys; print('azid.redirect' in sys.modules)")
    assert read_line(process) == "False"
