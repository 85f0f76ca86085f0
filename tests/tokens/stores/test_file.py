from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azid.clock import ManualClock
from azid.tokens.stores.file import FileItem, make_private_folder, mark_changed, replace_file
from azid.tokens.stores.item import UnreadableItemError
from tests.support.forked import NOBODY, in_fork, needs_fork, needs_root

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")

LATER = 100.0  # seconds


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=time.time() + LATER)


@pytest.fixture
def item(tmp_path: Path, clock: ManualClock) -> FileItem:
    return FileItem(tmp_path / "folder" / "cache", clock)


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get to: pytest's own are this user's only."""
    with tempfile.TemporaryDirectory(prefix="azid-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_there_is_nothing_at_first(item: FileItem) -> None:
    assert item.load() is None
    assert item.version() == item.version() == ()
    assert item.set_aside(".aside") is None
    assert not item.path.parent.exists()


def test_what_was_saved_is_loaded(item: FileItem) -> None:
    item.save(b"one")
    item.save(b"two")
    assert item.load() == b"two"
    assert names_in(item.path.parent) == ["cache"]
    assert str(item.path) == item.description


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_only_the_owner_may_do_anything(item: FileItem, mask: int, umask: Callable[[int], object]) -> None:
    umask(mask)
    item.save(b"data")
    assert mode(item.path) == 0o600
    assert mode(item.path.parent) == 0o700


@posix
def test_rights_that_others_have_are_taken_away(item: FileItem) -> None:
    item.path.parent.mkdir(mode=0o755)
    item.path.write_bytes(b"data")
    item.path.chmod(0o644)
    assert item.load() == b"data"
    assert mode(item.path) == 0o600
    item.save(b"other")
    assert mode(item.path.parent) == 0o700


@posix
def test_a_link_is_neither_followed_nor_written_through(item: FileItem, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"somebody else's")
    item.path.parent.mkdir()
    item.path.symlink_to(target)
    with pytest.raises(UnreadableItemError, match="link"):
        item.load()
    item.save(b"ours")
    assert not item.path.is_symlink()
    assert item.load() == b"ours"
    assert target.read_bytes() == b"somebody else's"


@posix
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_unreadable_and_keeps_nobody_waiting(item: FileItem, make: Callable[[Path], object]) -> None:
    item.path.parent.mkdir()
    make(item.path)
    with pytest.raises(UnreadableItemError, match="not a regular file"):
        item.load()
    assert item.set_aside(".aside") == str(item.path) + ".aside"
    item.save(b"data")
    assert item.load() == b"data"


def test_a_huge_file_is_not_read(item: FileItem) -> None:
    item.path.parent.mkdir()
    with item.path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UnreadableItemError, match="larger than"):
        item.load()


def test_what_is_set_aside_is_kept_for_its_owner_only(item: FileItem) -> None:
    item.path.parent.mkdir()
    item.path.write_bytes(b"garbage")
    item.path.chmod(0o644)
    kept = Path(item.set_aside(".aside-1") or "")
    assert kept == item.path.with_name("cache.aside-1")
    assert kept.read_bytes() == b"garbage"
    assert sys.platform == "win32" or mode(kept) == 0o600
    assert item.load() is None


def test_a_version_differs_after_each_change(item: FileItem, clock: ManualClock) -> None:
    versions = [item.version()]
    for data in (b"one", b"two", b"two"):
        item.save(data)
        versions.append(item.version())
    item.path.write_bytes(b"in place")
    versions.append(item.version())
    assert None not in versions
    assert len({*versions}) == len(versions)
    assert item.version() == item.version()


@posix
def test_a_change_that_keeps_the_size_and_the_time_of_modification_is_seen(item: FileItem) -> None:
    item.save(b"one")
    before, status = item.version(), item.path.stat()
    item.path.write_bytes(b"two")
    os.utime(item.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert item.version() != before


def test_a_file_that_has_just_changed_has_no_version(item: FileItem, clock: ManualClock) -> None:
    item.save(b"data")
    changed = item.path.stat().st_mtime if sys.platform == "win32" else item.path.stat().st_ctime
    just_now = FileItem(item.path, ManualClock(start=changed + 0.02))
    assert just_now.version() is None
    assert FileItem(item.path, ManualClock(start=changed - 5)).version() is None  # another machine's clock
    assert FileItem(item.path, ManualClock(start=changed + 0.1)).version() is not None


def test_a_replaced_file_is_newer_than_any_reading_that_msal_has_just_ended(item: FileItem) -> None:
    item.save(b"data")
    assert item.path.stat().st_mtime > time.time()
    os.utime(item.path, (0, 0))
    mark_changed(item.path)
    assert item.path.stat().st_mtime > time.time()


def test_what_crashed_writers_left_is_removed(item: FileItem) -> None:
    item.save(b"data")
    old, new, other = (item.path.with_name(name) for name in (".cache.1.tmp", ".cache.2.tmp", ".other.1.tmp"))
    for path in (old, new, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (0, 0))
    item.save(b"new data")
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


FULL_DISK = """
import resource, sys
from pathlib import Path
from azid.tokens.stores.file import FileItem

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    FileItem(Path(sys.argv[1])).save(b"x" * 5000)
except OSError as error:
    print(type(error).__name__)
"""


@posix
def test_on_a_full_disk_the_old_data_stays(item: FileItem) -> None:
    item.save(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, item.path], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "OSError\n"
    assert item.load() == b"old"
    assert names_in(item.path.parent) == ["cache"]


def test_where_no_folder_can_be_made_saving_fails_and_loading_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    item = FileItem(tmp_path / "file" / "folder" / "cache")
    assert item.load() is None
    assert item.version() == ()
    with pytest.raises(OSError, match="file"):
        item.save(b"data")


@needs_root
@needs_fork
def test_a_read_only_folder_can_be_read_from(open_folder: Path) -> None:
    item = FileItem(open_folder / "folder" / "cache")
    item.save(b"data")
    item.path.chmod(0o600)
    os.chown(item.path, NOBODY, NOBODY)
    item.path.parent.chmod(0o755)

    def use() -> None:
        assert item.load() == b"data"
        with pytest.raises(PermissionError):
            item.save(b"other")
        with pytest.raises(PermissionError):
            item.set_aside(".aside")
        assert item.load() == b"data"

    in_fork(use, user=NOBODY)


@needs_root
@needs_fork
@pytest.mark.parametrize(("rights", "reason"), [(0o644, "another user"), (0o600, "may not be read")])
def test_another_users_file_is_not_used(open_folder: Path, rights: int, reason: str) -> None:
    item = FileItem(open_folder / "cache")
    item.path.write_bytes(b"planted")
    os.chown(item.path, NOBODY - 1, NOBODY - 1)
    item.path.chmod(rights)
    os.chown(open_folder, NOBODY, NOBODY)

    def use() -> None:
        with pytest.raises(UnreadableItemError, match=reason):
            item.load()
        assert item.set_aside(".aside")
        item.save(b"ours")
        assert item.load() == b"ours"

    in_fork(use, user=NOBODY)


@needs_root
def test_what_root_writes_for_a_person_stays_the_persons(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    path = home / "folder" / "cache"
    replace_file(path, b"data")
    assert (path.stat().st_uid, path.parent.stat().st_uid) == (NOBODY, NOBODY)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_folders_above_are_made_too(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "folder"
    make_private_folder(folder)
    make_private_folder(folder)
    assert folder.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_file_that_has_another_name_elsewhere_keeps_its_mode(tmp_path: Path) -> None:
    """It may be one of the system's, linked to here by whoever the folder belongs to, for root to change."""
    elsewhere, path = tmp_path / "passwd", tmp_path / "tokens"
    elsewhere.write_bytes(b"{}")
    elsewhere.chmod(0o644)
    path.hardlink_to(elsewhere)
    item = FileItem(path)
    item.load()
    assert item.set_aside(".unreadable") is not None
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
