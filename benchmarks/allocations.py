"""How many times a cached token asks for memory.

Python's own allocator is switched off (`PYTHONMALLOC=malloc`), so every request goes to the C library, where glibc's
mtrace logs it. What Python takes from its free lists (floats, small tuples, frames) is no request.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench
from benchmarks.cached_token import bare_function, cached_token
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.worker import Worker

__all__ = ["measure"]

_CALLS = 1_000
_TARGET = 5
_DEBUG_LIBRARY: Final = "libc_malloc_debug.so.0"
_SYMBOL_VERSIONS: Final = (b"GLIBC_2.2.5", b"GLIBC_2.17")
"""On x86-64 and on 64-bit Arm."""


def measure(bench: Bench) -> Section:
    """Count in processes of their own: the log makes every allocation slow."""
    counts: list[dict[str, float]] = []
    if _can_count():
        with tempfile.TemporaryDirectory(prefix="azid-benchmarks-") as folder:
            for worker in bench.workers:
                environment = {
                    "LD_PRELOAD": _DEBUG_LIBRARY,
                    "MALLOC_TRACE": str(Path(folder, "log")),
                    "PYTHONMALLOC": "malloc",
                }
                with Worker(worker.library, worker.python, environment) as counting:
                    counts.append(counting.ask(count, **bench.reach))
    return Section(
        "Allocations of a cached token",
        f"Requests to the C library's allocator in {_CALLS:,} calls, as glibc's `mtrace` logs them with Python's own "
        "allocator switched off. What Python serves from its free lists is not among them."
        + ("" if counts else " **Not counted here: it needs glibc 2.34 or newer.**"),
        ("library", "allocations a call", "of the bare function"),
        [
            (worker.library, f"{found['call']:.1f}", f"{found['bare']:.1f}")
            for worker, found in zip(bench.workers, counts, strict=False)
        ],
        [
            Target(
                "allocations of a cached token",
                f"≤ {_TARGET}",
                f"{counts[0]['call']:.1f}",
                counts[0]["call"] <= _TARGET,
                f"{counts[1]['call']:.0f}",
            )
        ]
        if counts
        else [],
    )


def count(library: Library, *, host: str, ca_file: str) -> dict[str, float]:
    """In a worker that was started with the debugging library: return the allocations of a call."""
    get_token, asked = cached_token(library, host=host, ca_file=ca_file, accounts=1, scopes=1)
    return {"bare": _allocations(bare_function(), asked), "call": _allocations(get_token, asked)}


def _allocations(call: Callable[[str], Any], asked: str) -> float:
    start, stop = _traced_function(b"mtrace"), _traced_function(b"muntrace")
    for _ in repeat(None, 100):
        call(asked)
    start()
    for _ in repeat(None, _CALLS):
        call(asked)
    stop()
    log = Path(os.environ["MALLOC_TRACE"]).read_text(encoding="ascii", errors="replace")
    return log.count(" + 0x") / _CALLS  # "@ where + address size"; a free's sign is "-", a realloc's are "<" and ">"


def _traced_function(name: bytes) -> Callable[[], None]:
    """Return a function of the debugging library. It hides behind a symbol version: the C library has the name, too."""
    library = ctypes.CDLL(None)
    library.dlvsym.restype = ctypes.c_void_p
    library.dlvsym.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    handle = ctypes.CDLL(_DEBUG_LIBRARY)._handle
    address = next(filter(None, (library.dlvsym(handle, name, version) for version in _SYMBOL_VERSIONS)))
    return ctypes.CFUNCTYPE(None)(address)


def _can_count() -> bool:
    try:
        ctypes.CDLL(_DEBUG_LIBRARY)
    except OSError:
        return False
    return True
