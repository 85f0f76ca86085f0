from __future__ import annotations

import gc
import os
import threading
import weakref

import pytest

from azid.fork import renew_after_fork


class Owner:
    def __init__(self) -> None:
        self.renewed: list[int] = []
        self.lock = threading.Lock()
        renew_after_fork(self, Owner.renew)

    def renew(self) -> None:
        self.renewed.append(os.getpid())
        self.lock = threading.Lock()


def test_it_is_made_at_once() -> None:
    assert Owner().renewed == [os.getpid()]


def test_an_owner_that_is_not_needed_any_more_goes_away() -> None:
    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_gets_new_ones_and_the_parent_keeps_its_own() -> None:
    owners = [Owner() for _ in range(3)]
    before = [owner.lock for owner in owners]
    for owner in owners:
        assert owner.lock.acquire(blocking=False)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            renewed = all(len(owner.renewed) == 2 and owner.renewed[1] == os.getpid() for owner in owners)
            free = all(owner.lock.acquire(blocking=False) for owner in owners)
            status = 0 if renewed and free else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [owner.lock for owner in owners] == before
    assert all(owner.renewed == [os.getpid()] for owner in owners)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_from_a_forked_one_gets_new_ones_again() -> None:
    owner = Owner()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            owner.lock.acquire()
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if owner.lock.acquire(blocking=False) and len(owner.renewed) == 3 else 2)
            status = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
