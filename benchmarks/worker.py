"""A process in a library's own environment that measures what it is asked to, one question a line."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmarks.libraries import LIBRARIES

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Worker", "clean_environment", "run"]

_ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """A context in which the process runs.

    :param library: the library's name.
    :param python: the interpreter of its environment.
    :param environment: variables that the process is to have besides this one's.
    """

    def __init__(self, library: str, python: Path, environment: Mapping[str, str] | None = None) -> None:
        self.library = library
        self.python = python
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", library],
            cwd=_ROOT,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """Return what ``function(library, **arguments)`` returns over there. Both pass through JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"module": function.__module__, "function": function.__name__, "arguments": arguments}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.library} failed at {function.__module__}.{function.__name__}: see above.")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def run(python: Path, program: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> str:
    """Return what a Python program prints, in a process of its own.

    :param python: the interpreter.
    :param program: its text.
    :param environment: variables that the process is to have besides this one's.
    :param before: a program that runs the interpreter, with its arguments.
    :raises subprocess.CalledProcessError: it failed. What it wrote on standard error was shown.
    """
    done = subprocess.run(
        [*before, python, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**clean_environment(), **(environment or {})},
        cwd=tempfile.gettempdir(),  # `-c` looks for modules in the current folder first
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        done.check_returncode()
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would change the measured program: proxies, keyrings, Python's own
    settings and settings of Azure programs.
    """
    others = ("AZURE_", "CURL_CA", "DBUS_", "PYTHON", "REQUESTS_CA", "XDG_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(others)
    }


def main() -> None:
    library = LIBRARIES[sys.argv[1]]()
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    logging.basicConfig(handlers=[logging.NullHandler()])  # as in a program that has set logging up: nothing is printed
    for line in sys.stdin:
        question = json.loads(line)
        function = getattr(importlib.import_module(question["module"]), question["function"])
        print(json.dumps(function(library, **question["arguments"])), file=answers, flush=True)


if __name__ == "__main__":
    main()
