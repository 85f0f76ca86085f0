from __future__ import annotations

from pathlib import Path

import pytest

from azid.cancellation import Cancellation
from azid.clock import ManualClock
from azid.tokens.stores.shared import SharedTokenStore
from tests.tokens.store_contract import in_process, told
from tests.tokens.stores.shared.conftest import PATIENCE, store_in


def test_a_killed_holder_delays_nobody(store: SharedTokenStore, folder: Path) -> None:
    clock = ManualClock()
    with in_process(store, "refresh", "ada") as process:
        assert told(process) == b"refreshing"
        process.kill()
        process.wait(PATIENCE)
        with store_in(folder, clock=clock).refreshing("ada"):
            assert clock.waits == []


def test_a_holder_that_hangs_delays_others_for_a_bounded_time(
    store: SharedTokenStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    with store.refreshing("ada"), store_in(folder, clock=clock).refreshing("ada"):
        assert sum(clock.waits) == pytest.approx(35)
    assert "hangs" in caplog.text
    assert "ada" not in caplog.text


def test_it_does_not_count_as_hanging_when_a_caller_leaves(
    store: SharedTokenStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, caller = ManualClock(), Cancellation()
    caller.cancel()
    with store.refreshing("ada"), caller.as_current(), store_in(folder, clock=clock).refreshing("ada"):
        assert clock.waits == []
    assert caplog.text == ""


def test_another_accounts_refresh_is_not_waited_for(store: SharedTokenStore, folder: Path) -> None:
    clock = ManualClock()
    with store.refreshing("ada"), store_in(folder, clock=clock).refreshing("bob"):
        assert clock.waits == []
