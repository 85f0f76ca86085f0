"""What `azid token` costs a shell: the whole process, from its start to its end."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import Home
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import LOGIN_HOST, record, scope
from benchmarks.worker import clean_environment, run

__all__ = ["measure"]

_ROUNDS = 25
_TARGET = 1.3
_BASE = "import azure.core.credentials"
_HEAVY = ("azure.core", "msal", "requests", "cryptography", "asyncio")
# What an installer writes into a console script, so that nothing has to be installed to measure it.
_SCRIPT = "import sys\nfrom azid.cli import main\nsys.exit(main())\n"
_SHOW_MODULES = "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"


@dataclass(frozen=True, eq=False)
class _Case:
    """A process to time.

    :param name: what the report calls it.
    :param program: Python's text.
    :param arguments: the process's.
    :param environment: variables besides the home's.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


_IMPORT = _Case(f"`{_BASE}`", _BASE)
_TOKEN = _Case("`azid token`", _SCRIPT, ("token", "--storage", "plaintext", "--scope", scope(0)))
_LIGHT = (
    _Case("`azid --help`", _SCRIPT, ("--help",)),
    _Case(
        "completion of `azid to`",
        _SCRIPT,
        environment={"_AZID_COMPLETE": "bash_complete", "COMP_WORDS": "azid to", "COMP_CWORD": "1"},
    ),
)


def measure(bench: Bench) -> Section:
    """Time processes of the command beside one that only imports azure-core's credentials."""
    cases = (_IMPORT, _TOKEN, *_LIGHT)
    with Home(bench.authority.environment) as home, tempfile.TemporaryDirectory() as settings:
        home.fill(1)
        environment = {**home.environment, "AZID_CONFIG_DIR": settings}
        run(bench.azid.python, _make_active(), environment)
        script = Path(settings, "azid")
        script.write_text(_SCRIPT, encoding="utf-8")
        processes = {case: _Process(case, bench.azid.python, environment, script) for case in cases}
        heavy = {case: process.heavy() for case, process in processes.items()}  # and compiled modules are written
        bench.authority.take_requests()
        taken: dict[_Case, list[float]] = {case: [] for case in cases}
        for _ in range(_ROUNDS):
            for case, process in processes.items():
                taken[case].append(process.seconds())
        requests = bench.authority.take_requests().total()
    samples = {case: sample(values) for case, values in taken.items()}
    ratios: dict[_Case, Sample] = {case: what.over(samples[_IMPORT]) for case, what in samples.items()}
    needless = sorted({module for case in _LIGHT for module in heavy[case]})
    return Section(
        "The command",
        f"Whole processes, {_ROUNDS} of each, in turn, of the console script that installing azid makes. One person is "
        "signed in, with a valid token in the plain file. The ratio is to the first row.",
        ("process", "ms", "ratio", f"loads of {', '.join(_HEAVY)}"),
        [
            (case.name, samples[case].show(1e-3), ratios[case].show(), ", ".join(heavy[case]) or "none")
            for case in cases
        ],
        [
            Target(
                f"`azid token` for a cached token, the whole process, over `{_BASE}`",
                f"≤ {_TARGET}",
                ratios[_TOKEN].show(),
                ratios[_TOKEN].median <= _TARGET,
                "no command",
            ),
            Target("requests that it sends", "0", f"{requests:g}", requests == 0, "no command"),
            Target(
                f"modules that `azid --help` and completion load, of {', '.join(_HEAVY)}",
                "none",
                ", ".join(needless) or "none",
                not needless,
                "no command",
            ),
        ],
    )


class _Process:
    def __init__(self, case: _Case, python: Path, environment: Mapping[str, str], script: Path) -> None:
        self._case = case
        self._python = python
        self._environment = {**clean_environment(), **environment, **case.environment}
        self._program = ["-c", case.program] if case is _IMPORT else [str(script)]

    def seconds(self) -> float:
        """Run it and return how long it takes."""
        command = [str(self._python), *self._program, *self._case.arguments]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=self._environment)
        return time.perf_counter() - began

    def heavy(self) -> list[str]:
        """Run it and return which of the heavy modules it loads."""
        command = [str(self._python), "-c", _SHOW_MODULES + self._case.program, *self._case.arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment)
        return [name for name in _HEAVY if name in done.stderr.split()]


def _make_active() -> str:
    """Return a program that makes the person the active account, as `azid login` does."""
    arguments = json.dumps(record(0, LOGIN_HOST))
    return f"""
from azid import AuthenticationRecord
from azid.cli import active_account

active_account.save(AuthenticationRecord(**{arguments}), storage="plaintext")
"""
