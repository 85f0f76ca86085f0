"""Several processes of one library, for what happens when they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.homes import Home
from benchmarks.worker import Worker

__all__ = ["ask_all", "crew"]


@contextmanager
def crew(like: Worker, home: Home, size: int) -> Iterator[list[Worker]]:
    """Return a context in which so many more processes of a worker's kind are at home in `home`."""
    with ExitStack() as stack:
        yield [stack.enter_context(Worker(like.library, like.python, home.environment)) for _ in range(size)]


def ask_all(workers: Sequence[Worker], function: Callable[..., Any], arguments: Sequence[dict[str, Any]]) -> list[Any]:
    """Ask all workers the same at the same time, each with arguments of its own; return their answers."""
    with ThreadPoolExecutor(len(workers)) as asking:
        questions = [asking.submit(worker.ask, function, **own) for worker, own in zip(workers, arguments, strict=True)]
        return [question.result() for question in questions]
