"""Locks between processes: azid's own, which no process leaves behind, and the one that MSAL's libraries look at."""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from azid.clock import Clock, SystemClock
from azid.fork import renew_after_fork
from azid.tokens.stores.file import OPEN_SAFELY, hand_over, make_private_folder
from azid.tokens.stores.lease import wait_for

__all__ = ["FileLock", "MsalLockFile", "lock_file"]

_LOGGER = logging.getLogger(__name__)

_MSAL_PATIENCE: Final = 5.0
"""Seconds that MSAL's own libraries wait for each other, and that a sign of life is believed."""
_MSAL_OPENING: Final = 1.0
"""Seconds within which who made MSAL's lock file has written its process ID into it."""
_LONGEST_PID: Final = 20  # digits


def lock_file(descriptor: int) -> None:
    """Lock an open file; the system unlocks it when the file is closed, as it is when the process dies.

    :raises BlockingIOError: somebody else has locked it.
    :raises OSError: the file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(errno.EAGAIN, "locked") from error
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """A lock that one thread of one process holds at a time; a thread that holds it may take it again.

    It is a lock on a file that stays, so that no crash leaves it locked. Where the file cannot be made or the file
    system knows no locks, it keeps out this process's other threads only.

    :param path: the file. Its folder is made.
    :param clock: what waits are counted by. Defaults to the machine's clock.
    :param lock: locks an open file, as `lock_file` does.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None, lock: Callable[[int], object] = lock_file) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = lock
        self._descriptor: int | None = None
        self._refusal_logged = False
        renew_after_fork(self, FileLock._renew)

    def _renew(self) -> None:
        self._unlock()  # in a forked process this is a copy, which would keep the parent's lock locked after its end
        self._depth = 0
        self._threads = threading.RLock()

    @contextmanager
    def held(self, seconds: float, *, given_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Hold the lock within the block; yield whether it is held, rather than been waited for too long.

        :param seconds: how long to wait.
        :param given_up: whether nobody wants it any more, which ends the wait, too. Never by default.
        """
        held, threads = False, self._threads
        try:
            held = wait_for(self._acquire, seconds=seconds, clock=self._clock, given_up=given_up)
            yield held
        finally:
            if held and threads is self._threads:  # else this is a process that was forked within the block
                self._release()

    def _acquire(self) -> bool:
        if not self._threads.acquire(blocking=False):
            return False
        locked = False
        try:
            locked = self._depth > 0 or self._lock_file()
            self._depth += locked
            return locked
        finally:
            if not locked:
                self._threads.release()

    def _release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._unlock()
        self._threads.release()

    def _lock_file(self) -> bool:
        """Return False if another process holds the lock."""
        try:
            descriptor = self._open()
        except OSError as error:
            self._log_refusal(error)
            return True
        try:
            self._lock(descriptor)
            if not _is_at(descriptor, self._path):
                os.close(descriptor)  # its folder was removed meanwhile: others lock another file
                return False
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            self._log_refusal(error)
            return True
        self._descriptor = descriptor
        return True

    def _open(self) -> int:
        try:
            return self._open_in_folder()
        except FileNotFoundError:
            make_private_folder(self._path.parent.parent)
            make_private_folder(self._path.parent)
            return self._open_in_folder()

    def _open_in_folder(self) -> int:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
        except FileExistsError:  # not handed over: it may be a hard link to a file of root's
            return os.open(self._path, os.O_RDWR | OPEN_SAFELY)
        with suppress(OSError):  # another user's
            hand_over(descriptor, self._path.parent)
        return descriptor

    def _unlock(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _log_refusal(self, error: OSError) -> None:
        if not self._refusal_logged:
            self._refusal_logged = True
            _LOGGER.info("Other processes are not kept waiting, as %s cannot be locked: %s", self._path, error)


class MsalLockFile:
    """The lock that MSAL's libraries hold while they write: a file that exists, is locked, and names its process.

    Held by azid for its own writes, so that neither writes while the other does. Unlike MSAL's libraries, azid takes
    the file over from a process that has died; from one that hangs, it waits for a bounded time, and then goes on.

    :param path: the file.
    :param clock: what waits and ages are counted by. Defaults to the machine's clock.
    :param lock: locks an open file, as `lock_file` does.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None, lock: Callable[[int], object] = lock_file) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = lock

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock within the block; yield whether it is held."""
        descriptor: int | None = None

        def acquire() -> bool:
            nonlocal descriptor
            descriptor = self._create()
            if descriptor is None:
                descriptor = self._take_over()
            return descriptor is not None

        try:
            try:
                if not wait_for(acquire, seconds=_MSAL_PATIENCE, clock=self._clock):
                    _LOGGER.warning("Another program holds %s for too long; the tokens are written anyway.", self._path)
            except OSError as error:
                _LOGGER.info("MSAL's libraries are not kept waiting, as %s cannot be made: %s", self._path, error)
            yield descriptor is not None
        finally:
            if descriptor is not None:
                self._release(descriptor)

    def _create(self) -> int | None:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
        except FileExistsError:
            return None
        except FileNotFoundError:
            make_private_folder(self._path.parent)
            return None  # the next attempt finds the folder
        return self._claim(descriptor, lambda _: True)

    def _take_over(self) -> int | None:
        """Take the file from a process that has died."""
        if sys.platform == "win32":
            with suppress(OSError):  # its process has it open
                if self._clock.time() - self._path.stat().st_mtime > _MSAL_OPENING:
                    self._path.unlink()
            return None
        try:
            descriptor = os.open(self._path, os.O_RDWR | OPEN_SAFELY)
        except FileNotFoundError:
            return None  # it has just been released
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != self._path.parent.stat().st_uid:
            os.close(descriptor)  # a hard link, for root to write to
            return None
        return self._claim(descriptor, self._is_left_over)

    def _claim(self, descriptor: int, may_have: Callable[[int], bool]) -> int | None:
        """Lock the file and put this process's ID into it; close it unless both can and may be done."""
        claimed = False
        try:
            try:
                self._lock(descriptor)
            except BlockingIOError:
                return None  # its process lives
            except OSError as error:
                _LOGGER.debug("%s cannot be locked: %s", self._path, error)
            if not _is_at(descriptor, self._path) or not may_have(descriptor):
                return None
            with suppress(OSError):  # the disk is full
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, f"{os.getpid()} azid".encode())
            with suppress(OSError):
                hand_over(descriptor, self._path.parent)
            claimed = True
            return descriptor
        finally:
            if not claimed:
                os.close(descriptor)

    def _is_left_over(self, descriptor: int) -> bool:
        """Whether nobody is behind a file that is not locked: some of MSAL's libraries do not lock it."""
        pid, _, _ = os.read(descriptor, _LONGEST_PID + 1).partition(b" ")
        if pid.isdigit() and not _is_alive(int(pid)):
            return True
        # Its maker has yet to write its ID, or has died before; or the ID has become another process's.
        believed = _MSAL_PATIENCE if pid else _MSAL_OPENING
        return self._clock.time() - os.fstat(descriptor).st_mtime > believed

    def _release(self, descriptor: int) -> None:
        if sys.platform == "win32":
            os.close(descriptor)
            with suppress(OSError):
                self._path.unlink()
            return
        try:
            if _is_at(descriptor, self._path):
                self._path.unlink(missing_ok=True)
        except OSError as error:
            _LOGGER.info("%s could not be removed: %s", self._path, error)
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # it is somebody else's
    return True
