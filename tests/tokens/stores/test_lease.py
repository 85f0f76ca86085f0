from __future__ import annotations

import pytest

from azid.clock import ManualClock
from azid.tokens.stores.lease import REFRESH_LEASE, hold, wait_for


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_what_succeeds_at_once_is_not_waited_for(clock: ManualClock) -> None:
    assert wait_for(lambda: True, seconds=10, clock=clock)
    assert clock.waits == []


def test_it_is_tried_until_it_succeeds_less_and_less_often(clock: ManualClock) -> None:
    outcomes = iter([False] * 20 + [True])
    assert wait_for(lambda: next(outcomes), seconds=10, clock=clock)
    assert len(clock.waits) == 20
    assert clock.waits[0] <= 0.005
    assert 0.05 <= clock.waits[-1] <= 0.1


def test_the_wait_ends(clock: ManualClock) -> None:
    assert not wait_for(lambda: False, seconds=10, clock=clock)
    assert clock.monotonic() == pytest.approx(10)


def test_the_wait_ends_when_it_is_given_up(clock: ManualClock) -> None:
    assert not wait_for(lambda: False, seconds=10, clock=clock, given_up=lambda: len(clock.waits) == 3)
    assert len(clock.waits) == 3


def test_a_lease_is_held_within_the_block_and_given_back(clock: ManualClock) -> None:
    events: list[str] = []

    def acquire() -> bool:
        events.append("acquired")
        return True

    with hold(acquire, lambda: events.append("released"), clock=clock):
        events.append("within")
    assert events == ["acquired", "within", "released"]


def test_a_block_that_raises_gives_it_back(clock: ManualClock) -> None:
    released: list[bool] = []
    with pytest.raises(KeyboardInterrupt), hold(lambda: True, lambda: released.append(True), clock=clock):
        raise KeyboardInterrupt
    assert released == [True]


def test_a_lease_that_is_not_to_be_had_is_done_without(clock: ManualClock) -> None:
    released: list[bool] = []
    with hold(lambda: False, lambda: released.append(True), clock=clock):
        assert clock.monotonic() == pytest.approx(REFRESH_LEASE)
    assert released == []


def test_trouble_with_the_lease_is_none_of_the_blocks(clock: ManualClock) -> None:
    def fail() -> bool:
        raise OSError("the store is away")

    with hold(fail, fail, clock=clock):
        pass
    with hold(lambda: True, fail, clock=clock):
        pass
    with pytest.raises(RuntimeError, match="own"), hold(lambda: True, fail, clock=clock):
        raise RuntimeError("own")
