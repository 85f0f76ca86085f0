"""What is made of strace's report."""

from __future__ import annotations

from pathlib import Path

from benchmarks.disk_writes import operations

FOLDER = Path("/home/person/.IdentityService")
CACHE = FOLDER / "msal.cache.nocae"


def test_a_file_written_in_place_is_rewritten_once() -> None:
    lines = [
        f'openat(AT_FDCWD</tmp>, "{CACHE}", O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0600) = 5<{CACHE}>',
        f'write(5<{CACHE}>, ""..., 4096) = 4096',
        f'write(5<{CACHE}>, ""..., 904) = 904',
    ]
    counts = operations(lines, FOLDER, CACHE)
    assert counts == {"opens": 1, "rewrites": 1, "writes": 2, "bytes written": 5_000}


def test_a_file_that_is_replaced_is_rewritten_once() -> None:
    lines = [
        f'openat(AT_FDCWD</tmp>, "{FOLDER}/.new.tmp", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 5<{FOLDER}/.new.tmp>',
        f'write(5<{FOLDER}/.new.tmp>, ""..., 5000) = 5000',
        f"fsync(5<{FOLDER}/.new.tmp>) = 0",
        f'rename("{FOLDER}/.new.tmp", "{CACHE}") = 0',
    ]
    counts = operations(lines, FOLDER, CACHE)
    assert counts == {"opens": 1, "rewrites": 1, "writes": 1, "bytes written": 5_000, "fsyncs": 1, "renames": 1}


def test_what_is_only_read_and_removed_is_not_rewritten() -> None:
    lines = [
        f'openat(AT_FDCWD</tmp>, "{CACHE}", O_RDONLY|O_CLOEXEC) = 5<{CACHE}>',
        f'read(5<{CACHE}>, ""..., 5001) = 5000',
        f'read(5<{CACHE}>, "", 1) = 0',
        f'unlink("{CACHE}.lockfile") = 0',
    ]
    counts = operations(lines, FOLDER, CACHE)
    assert +counts == {"opens": 1, "bytes read": 5_000, "removals": 1}


def test_failures_and_other_folders_do_not_count() -> None:
    lines = [
        f'openat(AT_FDCWD</tmp>, "{CACHE}", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
        'openat(AT_FDCWD</tmp>, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 6</etc/hosts>',
        "+++ exited with 0 +++",
    ]
    assert not operations(lines, FOLDER, CACHE)
