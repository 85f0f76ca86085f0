"""Running every check at once, each in bounded time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from azid.clock import Clock, SystemClock
from azid.doctor.finding import Finding, Verdict

__all__ = ["Check", "Examination", "examine"]

Check: TypeAlias = Callable[[], Iterator[Finding]]
Examination: TypeAlias = "dict[str, list[Finding]]"

_PATIENCE: Final = 15.0
"""Seconds that all checks together may take. None needs more than a few where nothing hangs."""


def examine(checks: Mapping[str, Check], *, patience: float = _PATIENCE, clock: Clock | None = None) -> Examination:
    """Run checks at once and return what each found, in their order.

    :param checks: the checks by name.
    :param patience: seconds after which a check that still runs is left alone. Defaults to 15.
    :param clock: what those are counted by. Defaults to the machine's clock.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + patience
    running = [(name, *_start(check)) for name, check in checks.items()]
    examination: Examination = {}
    for name, found, done in running:
        in_time = clock.wait(done, max(deadline - clock.monotonic(), 0))
        examination[name] = [*found]
        if not in_time:
            late = Finding(name.lower(), Verdict.PROBLEM, f"No answer came within {patience:g} seconds.")
            examination[name].append(late)
    return examination


def _start(check: Check) -> tuple[list[Finding], threading.Event]:
    found: list[Finding] = []
    done = threading.Event()

    def run() -> None:
        try:
            found.extend(check())
        except Exception as error:  # a check must not hide what the others find
            found.append(Finding("check", Verdict.PROBLEM, f"It failed with {type(error).__name__}: {error}"))
        finally:
            done.set()

    threading.Thread(target=run, name="azid-doctor", daemon=True).start()
    return found, done
