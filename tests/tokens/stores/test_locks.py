from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from msal_extensions import CrossPlatLock

from azid.clock import ManualClock
from azid.tokens.stores.locks import FileLock, MsalLockFile, lock_file
from tests.support.forked import NOBODY, in_fork, needs_fork, needs_root

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")

PATIENCE = 20.0  # seconds
HOUR = 3600.0  # seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=time.time())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "locks" / "lock"


@pytest.fixture
def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(PATIENCE)
    return process.pid


def hard_link_in_anothers_folder(path: Path, folder: Path) -> Path:
    """Return a file of root's that is at `path`, too."""
    of_root = folder / "of root"
    of_root.write_text("root's")
    path.parent.mkdir(parents=True)
    os.chown(path.parent, NOBODY, NOBODY)
    path.hardlink_to(of_root)
    return of_root


def refuse(descriptor: int) -> None:
    """A network file system without locks."""
    raise OSError(errno.ENOLCK, "No locks available")


def is_free(path: Path) -> bool:
    with FileLock(path, clock=ManualClock()).held(0) as held:
        return held


@contextmanager
def locked_file(path: Path, content: str) -> Iterator[None]:
    """A lock file as the MSAL libraries that lock it have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        lock_file(descriptor)
        os.write(descriptor, content.encode())
        yield
    finally:
        os.close(descriptor)


class TestFileLock:
    def test_one_holds_it(self, path: Path, clock: ManualClock) -> None:
        one, other = FileLock(path), FileLock(path, clock=clock)
        with one.held(0) as held, other.held(5) as other_held:
            assert (held, other_held) == (True, False)
            assert sum(clock.waits) == pytest.approx(5)
        with other.held(0) as held:
            assert held

    def test_the_file_stays(self, path: Path) -> None:
        with FileLock(path).held(0):
            before = path.stat()
        with FileLock(path).held(0):
            assert os.path.samestat(path.stat(), before)

    def test_its_thread_may_take_it_again_and_another_may_not(self, path: Path) -> None:
        lock = FileLock(path, clock=ManualClock())

        def take() -> bool:
            with lock.held(1) as held:
                return held

        with ThreadPoolExecutor() as executor:
            with lock.held(0):
                assert take()
                assert not is_free(path)
                assert not executor.submit(take).result(PATIENCE)
            assert executor.submit(take).result(PATIENCE)
        assert is_free(path)

    def test_it_is_released_when_its_process_dies(self, path: Path) -> None:
        program = (
            "import pathlib, sys\nfrom azid.tokens.stores.locks import FileLock\n"
            "with FileLock(pathlib.Path(sys.argv[1])).held(0): print('held', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", program, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            assert not is_free(path)
            process.kill()
            process.wait(PATIENCE)
            assert is_free(path)

    def test_a_holder_that_raises_releases_it(self, path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), FileLock(path).held(0):
            raise KeyboardInterrupt
        assert is_free(path)

    @posix
    def test_it_excludes_again_after_its_folder_was_removed(self, path: Path) -> None:
        with FileLock(path).held(0):
            shutil.rmtree(path.parent)
            with FileLock(path).held(0) as held:
                assert held
                assert not is_free(path)

    @needs_root
    def test_root_hands_over_nothing_that_it_has_not_made(self, path: Path, tmp_path: Path) -> None:
        of_root = hard_link_in_anothers_folder(path, tmp_path)
        with FileLock(path).held(PATIENCE):
            pass
        assert of_root.stat().st_uid == 0

    @needs_fork
    def test_a_forked_process_does_not_keep_it(self, path: Path) -> None:
        lock = FileLock(path, clock=ManualClock())
        ours, theirs = socket.socketpair()
        with ours:
            with lock.held(0):
                child = os.fork()
                if child == 0:
                    ours.close()
                    theirs.send(b".")
                    theirs.recv(1)  # until the parent closes its end
                    os._exit(0)
                theirs.close()
                assert ours.recv(1)
            assert is_free(path)
        os.waitpid(child, 0)

    @needs_fork
    def test_a_forked_process_does_not_hold_it(self, path: Path) -> None:
        lock = FileLock(path, clock=ManualClock())

        def take() -> None:
            with lock.held(1) as held:
                assert not held

        with lock.held(0):
            in_fork(take)
            assert not is_free(path)

    @needs_fork
    def test_a_thread_that_holds_it_does_not_lock_a_forked_process_out_for_good(self, path: Path) -> None:
        lock = FileLock(path, clock=ManualClock())
        entered, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with lock.held(0):
                entered.set()
                leave.wait(PATIENCE)

        thread = threading.Thread(target=hold)
        thread.start()
        assert entered.wait(PATIENCE)
        readable, writable = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(readable, 1)
            with lock.held(0) as held:
                os._exit(0 if held else 2)
        leave.set()
        thread.join(PATIENCE)
        os.write(writable, b".")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        os.close(readable)
        os.close(writable)

    @pytest.mark.parametrize("trouble", ["refused", "no folder", "a folder in its place"])
    def test_where_there_are_no_locks_it_keeps_out_other_threads_only(
        self, path: Path, trouble: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        lock = FileLock(path, clock=ManualClock(), lock=refuse if trouble == "refused" else lock_file)
        if trouble == "no folder":
            path.parent.parent.touch()
        elif trouble == "a folder in its place":
            path.mkdir(parents=True)

        def take() -> bool:
            with lock.held(1) as held:
                return held

        with ThreadPoolExecutor() as executor, lock.held(0) as held:
            assert held
            assert not executor.submit(take).result(PATIENCE)
        assert take()
        assert len(caplog.messages) == 1
        assert str(path) in caplog.text


class TestMsalLockFile:
    def test_it_is_there_while_it_is_held(self, path: Path) -> None:
        with MsalLockFile(path).held() as held:
            assert held
            assert path.read_text().split()[0] == str(os.getpid())
        assert not path.exists()

    def test_msal_waits_for_it(self, path: Path) -> None:
        def write_like_msal() -> bool:
            with CrossPlatLock(str(path)):
                return done.is_set()

        done = threading.Event()
        path.parent.mkdir(parents=True)
        with ThreadPoolExecutor() as executor:
            with MsalLockFile(path).held():
                waiting = executor.submit(write_like_msal)
                done.set()
            assert waiting.result(PATIENCE)

    def test_it_waits_for_msal_and_then_goes_on(
        self, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        path.parent.mkdir(parents=True)
        with locked_file(path, f"{os.getppid()} program"):
            with MsalLockFile(path, clock=clock).held() as held:
                assert not held
            assert path.exists()
        assert sum(clock.waits) == pytest.approx(5)
        [message] = caplog.messages
        assert str(path) in message

    def test_a_dead_process_delays_nobody(self, path: Path, clock: ManualClock, dead_pid: int) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(f"{dead_pid} /usr/bin/program with arguments")
        with MsalLockFile(path, clock=clock).held() as held:
            assert held
            assert path.read_text().split()[0] == str(os.getpid())
        assert clock.waits == []
        assert not path.exists()

    @posix
    def test_a_process_that_cannot_exist_delays_nobody(self, path: Path, clock: ManualClock) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(f"{10**19} program")
        with MsalLockFile(path, clock=clock).held() as held:
            assert held
        assert clock.waits == []

    @posix
    @pytest.mark.parametrize(
        ("content", "delay"), [("", 1), ("nonsense", 5), (f"{os.getppid()} program", 5), (f"{os.getpid()} program", 5)]
    )
    def test_a_file_that_nobody_locks_is_believed_for_a_while(
        self, path: Path, clock: ManualClock, content: str, delay: float
    ) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(content)
        os.utime(path, (clock.time(), clock.time()))
        with MsalLockFile(path, clock=clock).held() as held:
            waited = sum(clock.waits)
        assert waited == pytest.approx(delay, abs=0.2)
        assert held == (delay < 5)
        clock.advance(HOUR)
        clock.waits.clear()
        with MsalLockFile(path, clock=clock).held() as held:
            assert held
        assert clock.waits == []

    @needs_root
    def test_root_takes_no_hard_link_to_a_file_of_its_own(self, path: Path, tmp_path: Path, clock: ManualClock) -> None:
        of_root = hard_link_in_anothers_folder(path, tmp_path)
        clock.advance(HOUR)
        with MsalLockFile(path, clock=clock).held() as held:
            assert not held
        assert (of_root.read_text(), of_root.stat().st_uid) == ("root's", 0)

    def test_one_of_azids_holds_it(self, path: Path, clock: ManualClock) -> None:
        with MsalLockFile(path).held(), MsalLockFile(path, clock=clock).held() as held:
            assert not held
        with MsalLockFile(path, clock=clock).held() as held:
            assert held

    def test_it_is_exclusive_without_locks_of_the_file_system(self, path: Path) -> None:
        start, inside = threading.Barrier(4), []

        def write(thread: int) -> None:
            start.wait(PATIENCE)
            with MsalLockFile(path, lock=refuse).held() as held:
                assert held
                inside.append(thread)
                assert inside == [thread]
                inside.remove(thread)

        with ThreadPoolExecutor(4) as executor:
            for written in [executor.submit(write, thread) for thread in range(4)]:
                written.result(PATIENCE)

    @posix
    def test_anothers_file_is_not_removed(self, path: Path) -> None:
        with MsalLockFile(path).held():
            path.unlink()
            path.write_text("another's")
        assert path.read_text() == "another's"

    def test_where_it_cannot_be_made_work_goes_on(self, path: Path, clock: ManualClock) -> None:
        path.parent.parent.touch()
        with MsalLockFile(path, clock=clock).held() as held:
            assert not held
        assert clock.waits == []

    def test_a_block_that_raises_releases_it(self, path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), MsalLockFile(path).held():
            raise KeyboardInterrupt
        assert not path.exists()

    def test_it_takes_turns_with_msal(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        counter = path.parent / "counter"
        counter.write_text("0")
        start = threading.Barrier(4)

        def count(lock: MsalLockFile | None) -> None:
            start.wait(PATIENCE)
            for _ in range(10):
                with ExitStack() as stack:
                    stack.enter_context(lock.held() if lock else CrossPlatLock(str(path)))
                    counter.write_text(str(int(counter.read_text()) + 1))

        with ThreadPoolExecutor(4) as executor:
            locks = (MsalLockFile(path), None, MsalLockFile(path), None)
            for counted in [executor.submit(count, lock) for lock in locks]:
                counted.result(PATIENCE)
        assert counter.read_text() == "40"
