"""What asking for tokens does to an event loop: how many tasks are served, and how long all others are kept waiting."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.heartbeat import LOOPS, Loop, Observation, observe
from benchmarks.homes import Home
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import LOGIN_HOST, cache_of, record, scope
from benchmarks.worker import Worker

__all__ = ["measure"]

_ROUNDS = 9
_TASKS = 1_000
_LATENCY = 0.05
"""Seconds per request: an authority in the same part of the world."""
_TARGET = 0.005
"""Seconds. It is also how long Python lets a thread go on that does not pause (`sys.getswitchinterval`)."""


class _Way(NamedTuple):
    """How a coroutine gets a token.

    :param name: what the report calls it.
    :param package: where the credential comes from.
    :param call: "await" of an async credential's method; the sync one's "in a thread", or "directly".
    :param loop: the async library's name.
    """

    name: str
    package: str
    call: str
    loop: str


_OURS: Final = _Way("azid.aio, asyncio", "azid.aio", "await", "asyncio")
_THEIRS: Final = _Way("azure-identity in `asyncio.to_thread`", "azure.identity", "in a thread", "asyncio")
_WAYS: Final = (
    _OURS,
    _Way("azid.aio, trio", "azid.aio", "await", "trio"),
    _THEIRS,
    _Way("azure-identity called in the coroutine", "azure.identity", "directly", "asyncio"),
)
_CACHED: Final = "cached token"
_EXPIRED: Final = "expired token, libraries loaded"
_FIRST: Final = "new process, token in the shared file"
_FIRST_EXPIRED: Final = "new process, expired token in the shared file"
_CASES: Final = (_CACHED, _EXPIRED, _FIRST, _FIRST_EXPIRED)


class _Taken(NamedTuple):
    """One round: what was seen of the tasks that asked, and of those that only let each other go first."""

    asking: Observation
    idle: Observation


def measure(bench: Bench) -> Section:
    """Watch loops."""
    taken: dict[tuple[str, _Way], list[_Taken]] = defaultdict(list)
    bench.authority.latency = _LATENCY
    for _ in range(_ROUNDS):
        for way in _WAYS:
            worker = bench.azid if way.package.startswith(bench.azid.library) else bench.azure_identity
            for case, expired in ((_CACHED, False), (_EXPIRED, True)):
                answer = worker.ask(watch_in_memory, **bench.reach, way=way, expired=expired)
                taken[case, way].append(_taken(answer))
            for case, expired in ((_FIRST, False), (_FIRST_EXPIRED, True)):
                with Home(bench.authority.environment) as home:
                    home.fill(1, expired=expired)
                    with Worker(worker.library, worker.python, home.environment) as fresh:
                        taken[case, way].append(_taken(fresh.ask(watch_on_disk, way=way)))
    bench.authority.latency = 0.0
    return Section(
        "Tokens in an event loop",
        f"{_TASKS:,} tasks of one loop wait, are let go at once, and each asks for the same token once; {_ROUNDS} "
        "rounds of each. Beside them a task takes every turn that it gets: the longest time between two of its turns "
        "is the loop's stall. What the tasks and the machine do to a loop by themselves is shown by as many that only "
        "let each other go first, watched for as long in the same process. A collection of all of Python's garbage "
        "stops every thread; whether one falls into a round is chance, so that the targets are for the stall without "
        "it. While a thread computes in Python, any turn of the loop may have to wait for Python's switch interval of "
        "5 ms. In a new process the credential's module is imported before the loop starts, and the credential is made "
        f"in the loop, in a turn of its own. The authority answers after {_LATENCY * 1000:.0f} ms. Not comparable: "
        "called in the coroutine, the credential serves one task after the other.",
        (
            "how",
            "situation",
            "tasks a second",
            "longest stall, ms",
            "without garbage collection, ms",
            "tasks without tokens, ms",
            "calls that failed",
        ),
        [
            (
                way.name,
                case,
                _per_second(taken[case, way]),
                sample(each.asking.stall for each in taken[case, way]).show(1e-3),
                _own_stalls(taken[case, way]).show(1e-3),
                sample(each.idle.own_stall for each in taken[case, way]).show(1e-3),
                _failures(taken[case, way]),
            )
            for case in _CASES
            for way in _WAYS
        ],
        [_target(case, _own_stalls(taken[case, _OURS]), _own_stalls(taken[case, _THEIRS])) for case in _CASES],
    )


def watch_in_memory(library: Library, *, host: str, ca_file: str, way: list[str], expired: bool) -> _Taken:
    """In a worker: watch tasks that ask for a token in memory, or for a refresh by what did so before."""
    how = _Way(*way)
    loop = LOOPS[how.loop]()

    def new_credential() -> Any:
        return library.signed_in_credential(host, ca_file, cache_of(1, 1, expired=expired), package=how.package)

    credential = new_credential()
    observe(loop, 1, lambda: _asking(credential, how.call))  # loads what is loaded once
    if expired:
        credential = new_credential()
    return _watch(loop, lambda: _asking(credential, how.call))


def watch_on_disk(library: Library, *, way: list[str]) -> _Taken:
    """In a new worker: watch the first tasks that ask for the token of a person who has signed in before."""
    how = _Way(*way)
    loop = LOOPS[how.loop]()
    package = import_module(library.package)
    credential_class = import_module(how.package).DeviceCodeCredential
    options = {
        "authentication_record": package.AuthenticationRecord(**record(0, LOGIN_HOST)),
        "cache_persistence_options": package.TokenCachePersistenceOptions(allow_unencrypted_storage=True),
        "disable_automatic_authentication": True,
    }
    return _watch(loop, lambda: _asking(credential_class(**options), how.call))


def _watch(loop: Loop, begin: Callable[[], Callable[[], Awaitable[object]]]) -> _Taken:
    asking = observe(loop, _TASKS, begin)
    return _Taken(asking, observe(loop, _TASKS, lambda: loop.turn, at_least=asking.seconds))


def _asking(credential: Any, call: str) -> Callable[[], Awaitable[object]]:
    get_token, asked = credential.get_token, scope(0)
    if call == "await":
        return lambda: get_token(asked)
    if call == "in a thread":
        from asyncio import to_thread

        return lambda: to_thread(get_token, asked)

    async def directly() -> None:
        get_token(asked)

    return directly


def _taken(answer: list[list[Any]]) -> _Taken:
    return _Taken(*(Observation(*values) for values in answer))


def _per_second(taken: list[_Taken]) -> str:
    return sample(_TASKS / each.asking.seconds for each in taken).show()


def _own_stalls(taken: list[_Taken]) -> Sample:
    return sample(each.asking.own_stall for each in taken)


def _failures(taken: list[_Taken]) -> str:
    failed = sum((Counter(each.asking.failed) for each in taken), Counter[str]())
    kinds = f": {', '.join(sorted(failed))}" if failed else ""
    return f"{failed.total():,} of {_TASKS * len(taken):,}{kinds}"


def _target(case: str, ours: Sample, theirs: Sample) -> Target:
    return Target(
        f"{_TASKS:,} tasks, {case}: the loop's longest stall, ms",
        f"≤ {_TARGET * 1000:g}",
        ours.show(1e-3),
        ours.median <= _TARGET,
        theirs.show(1e-3),
    )
