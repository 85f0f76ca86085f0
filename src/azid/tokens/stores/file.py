"""A file that only its owner can read, replaced as a whole: whoever looks sees the old data or the new."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Final

from azid.clock import Clock, SystemClock
from azid.tokens.stores.item import UnreadableItemError

__all__ = [
    "AHEAD_OF_MSAL",
    "OPEN_SAFELY",
    "FileItem",
    "hand_over",
    "make_private_folder",
    "mark_changed",
    "replace_file",
]

OPEN_SAFELY: Final[int] = (
    getattr(os, "O_CLOEXEC", 0)  # not for programs that this one starts
    | getattr(os, "O_NOFOLLOW", 0)  # a link may lead to somebody else's file
    | getattr(os, "O_NONBLOCK", 0)  # a named pipe would wait for its other end
    | getattr(os, "O_BINARY", 0)
)
"""Flags of `os.open` for whatever may lie where a file is expected."""

AHEAD_OF_MSAL: Final = 10**9
"""Nanoseconds by which a file's time is ahead. MSAL reloads only what is newer than the end of its last reading, so it
would miss, and then overwrite, a file that was replaced while it read the old one."""

_SETTLED: Final = 0.05
"""Seconds after which two changes of a file have different times, on every file system."""
_LARGEST: Final = 128 << 20
"""Bytes. A thousand accounts as MSAL writes them take 35 million."""
_ABANDONED: Final = 60.0
"""Seconds after which nobody is writing to a temporary file any more."""
_PAUSES: Final = (0.01, 0.05, 0.25, 1.0) if sys.platform == "win32" else ()
"""Seconds between attempts to replace a file: Windows refuses while somebody has it open."""


class FileItem:
    """A file as an item. What is in it is as readable as what was saved: encrypt that first, or know what you do.

    :param path: where it is. Its folder is made, with mode 0700, once there is something to save.
    :param clock: what the age of changes is counted by. Defaults to the machine's clock.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()

    @property
    def description(self) -> str:
        """The file's path."""
        return str(self.path)

    def load(self) -> bytes | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | OPEN_SAFELY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise UnreadableItemError("is a symbolic link, and those are not followed") from None
            if error.errno == errno.EACCES and sys.platform != "win32":
                raise UnreadableItemError("may not be read by this user") from None
            raise
        try:
            _require_readable(os.fstat(descriptor), descriptor)
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    def save(self, data: bytes) -> None:
        replace_file(self.path, data)

    def version(self) -> Hashable | None:
        """Return what tells one state of the file from every other: ``()`` if there is none, None if it is too new.

        Others write in place. Two changes within one tick of the file system's clock may look the same, so a file that
        has just changed is not trusted to have settled.
        """
        try:
            status = os.lstat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError:
            return None
        # Programs can set the time of modification, but not that of the last change. Windows does not have the latter.
        changed = status.st_mtime if sys.platform == "win32" else status.st_ctime
        if self._clock.time() - changed < _SETTLED:
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def set_aside(self, suffix: str) -> str | None:
        kept = self.path.with_name(self.path.name + suffix)
        try:
            self.path.rename(kept)
        except FileNotFoundError:
            return None
        with suppress(OSError):  # it may be a link, or somebody else's
            descriptor = os.open(kept, os.O_RDONLY | OPEN_SAFELY)
            try:
                _take_others_rights_away(descriptor)
            finally:
                os.close(descriptor)
        return str(kept)


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file, or make it, with mode 0600 whatever the umask; its folder has mode 0700.

    After a crash at any moment it holds what it held before, or `data`.

    :param path: where it is. A symbolic link gives way to the file.
    :param data: what it is to hold.
    :raises OSError: it could not be written, and is as it was.
    """
    make_private_folder(path.parent)
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if sys.platform != "win32":
                os.fchmod(descriptor, 0o600)
            hand_over(descriptor, path.parent)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        mark_changed(temporary)
        _move(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _synchronize_folder(path.parent)


def mark_changed(path: Path) -> None:
    """Give a file a time that makes MSAL's libraries read anew what it holds, or what it signals."""
    changed = time.time_ns() + AHEAD_OF_MSAL
    os.utime(path, ns=(changed, changed), follow_symlinks=os.utime not in os.supports_follow_symlinks)


def make_private_folder(folder: Path) -> None:
    """Make a folder with mode 0700, and those above it. If it is there and this user's, take others' rights away."""
    made = True
    try:
        folder.mkdir(mode=0o700)
    except FileNotFoundError:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        made = False
    if sys.platform == "win32":
        return
    with suppress(OSError):  # a link, or what is no folder: what is to be done there will tell
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | OPEN_SAFELY)
        try:
            status = os.fstat(descriptor)
            if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != 0o700:
                os.fchmod(descriptor, 0o700)
            if made:
                hand_over(descriptor, folder.parent)
        finally:
            os.close(descriptor)


def hand_over(descriptor: int, folder: Path) -> None:
    """Give what root has made in somebody's folder (as with sudo) to that person, who could not use it otherwise.

    :param descriptor: of what was made.
    :param folder: where.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = folder.stat()
        if os.fstat(descriptor).st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _require_readable(status: os.stat_result, descriptor: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableItemError("is not a regular file")
    if status.st_size > _LARGEST:
        raise UnreadableItemError(f"is larger than {_LARGEST >> 20} MiB")
    if sys.platform == "win32":
        return
    if os.geteuid() not in (0, status.st_uid) and status.st_uid != 0:
        raise UnreadableItemError("belongs to another user")  # who could have put their own sign-in there
    _take_others_rights_away(descriptor)


def _take_others_rights_away(descriptor: int) -> None:
    """Give a file mode 0600 if it is this user's and nothing but what it seems: it may be a link to one of root's."""
    if sys.platform == "win32":
        return
    status = os.fstat(descriptor)
    its_own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1
    if its_own and status.st_mode & 0o077:
        with suppress(OSError):
            os.fchmod(descriptor, 0o600)


def _move(source: Path, target: Path) -> None:
    for pause in _PAUSES:
        with suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(pause)
    source.replace(target)


def _synchronize_folder(folder: Path) -> None:
    """Have the folder's new entry survive a power failure, where the file system can."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_abandoned(path: Path) -> None:
    """Remove what crashed writers have left beside a file."""
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if (
                entry.name.startswith(f".{path.name}.")
                and entry.name.endswith(".tmp")
                and time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED
            ):
                Path(entry.path).unlink(missing_ok=True)
