from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from azid.cancellation import Cancellation
from azid.developer_tools.process import Printed, run
from azid.single_flight import FlightAbandoned
from tests.support.developer_tools import GIVE_UP, StandIn, Tools

SOON = 0.2  # seconds that a tool which hangs is given
Run = Callable[..., Printed]
in_any_session = pytest.mark.parametrize("leaves_child", ["in its session", "in a session of its own"])


@pytest.fixture
def az(tools: Tools) -> StandIn:
    return tools.az


@pytest.fixture
def start(az: StandIn) -> Run:
    def start(*arguments: str, timeout: float = GIVE_UP) -> Printed:
        return run([str(az.path), *arguments], folder="/", environ={"A": "1"}, timeout=timeout)

    return start


def test_what_it_prints_is_returned(az: StandIn, start: Run) -> None:
    az.prints("said", "complained", status=3)
    assert start() == Printed(3, b"said", b"complained")


def test_it_gets_its_arguments_as_they_are_and_no_other_environment(az: StandIn, start: Run) -> None:
    arguments = ["a b", "$HOME", "`id`", "%PATH%", '"', "'", "&", ""]
    start(*arguments)
    [note] = az.notes
    assert note.arguments == arguments
    assert note.environment.items() - {"PWD": "/"}.items() <= {"A": "1", "LC_CTYPE": "C.UTF-8"}.items()
    assert note.folder == "/"


def test_a_signal_that_ends_it_is_its_status(az: StandIn, start: Run) -> None:
    az.prints("said", dies_by=signal.SIGKILL)
    assert start() == Printed(-signal.SIGKILL, b"said", b"")


def test_megabytes_on_both_streams_are_read(az: StandIn, start: Run) -> None:
    az.prints("a" * 3_000_000, "b" * 3_000_000)
    printed = start()
    assert (len(printed.output), len(printed.errors)) == (3_000_000, 3_000_000)


def test_what_is_printed_is_not_in_its_repr() -> None:
    assert repr(Printed(1, b"canary", b"canary")) == "Printed(status=1)"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "none")], folder="/", environ={}, timeout=1)


@in_any_session
def test_what_it_has_printed_counts_although_its_child_keeps_the_output_open(
    az: StandIn, start: Run, leaves_child: Any
) -> None:
    az.prints("said", "complained", leaves_child=leaves_child)
    assert start() == Printed(0, b"said", b"complained")


def test_a_program_that_hangs_is_ended_in_time_and_its_child_with_it(az: StandIn, start: Run) -> None:
    with az.living(leaves_child="in its session") as life:
        with pytest.raises(TimeoutError):
            start(timeout=SOON)
        life.ends()


def test_a_child_that_has_left_its_session_does_not_keep_anybody_waiting(az: StandIn, start: Run, tools: Tools) -> None:
    with az.living(leaves_child="in a session of its own") as life:
        with pytest.raises(TimeoutError):
            start(timeout=SOON)
        tools.release()
        life.ends()


@pytest.mark.parametrize("timeout", [1e300, float("inf")])
def test_it_may_have_all_the_time_there_is(az: StandIn, start: Run, timeout: float) -> None:
    az.prints("said")
    assert start(timeout=timeout).output == b"said"


def begin(start: Run, caller: Cancellation) -> Future[Printed]:
    """Run the program in another thread, for a caller who can leave."""
    outcome: Future[Printed] = Future()

    def work() -> None:
        try:
            with caller.as_current():
                outcome.set_result(start())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome


@in_any_session
def test_a_caller_who_leaves_ends_it(az: StandIn, start: Run, tools: Tools, leaves_child: Any) -> None:
    caller = Cancellation()
    with az.living(leaves_child=leaves_child) as life:
        outcome = begin(start, caller)
        life.begins()
        assert caller.cancel()
        assert isinstance(outcome.exception(GIVE_UP), FlightAbandoned)
        tools.release()
        life.ends()


def test_a_caller_who_has_left_before_ends_it_at_once(az: StandIn, start: Run) -> None:
    caller = Cancellation()
    caller.cancel()
    az.prints(hangs=True)
    assert isinstance(begin(start, caller).exception(GIVE_UP), FlightAbandoned)


def test_a_caller_who_stays_gets_what_it_prints(az: StandIn, start: Run) -> None:
    az.prints("said")
    assert begin(start, Cancellation()).result(GIVE_UP).output == b"said"


def test_many_at_once_leave_no_descriptor_open(az: StandIn, start: Run) -> None:
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda _: start(), range(2)))
        before = len([*Path("/dev/fd").iterdir()])
        list(executor.map(lambda _: start(), range(8)))
        assert len([*Path("/dev/fd").iterdir()]) == before
