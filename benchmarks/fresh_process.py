"""What a signed-in person's token costs a process that has just started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.homes import Home, cache_text
from benchmarks.libraries import LIBRARIES, Library
from benchmarks.processes import BASE, HEAVY, loaded_modules, none_or, seconds_of
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import LOGIN_HOST, record, scope
from benchmarks.worker import Worker
from tools.parts import GNOME_KEYRING, LIBSECRET

__all__ = ["measure", "silent_program"]

_ROUNDS = 15
_SIZES = (1, 10, 100, 1_000)
_TARGET = 1.25
_PLAIN_FILE = "plain file"
_EXPIRED = "plain file, token expired"
_SECRET_SERVICE = "Secret Service"


class _Case(NamedTuple):
    """Who asks for a token where.

    :param library: the library's name.
    :param python: the interpreter of its environment.
    :param store: what the tokens are kept in.
    :param accounts: how many people are signed in there.
    """

    library: str
    python: Path
    store: str
    accounts: int


class _Found(NamedTuple):
    """What was measured of a case, once for each process."""

    seconds: Sample
    ratio: Sample
    requests: Sample
    heavy: str


def measure(bench: Bench) -> Section:
    """Time whole processes, from their start to their end, and count what reaches the authority."""
    found: dict[_Case, _Found] = {}
    for accounts in _SIZES:
        with Home(bench.authority.environment) as home:
            home.fill(accounts)
            found |= _measured(bench, _cases(bench, _PLAIN_FILE, accounts), home.environment)
    with _keyring_home(bench) as (cases, environment):
        found |= _measured(bench, cases, environment)
    with Home(bench.authority.environment) as home:
        expired = _cases(bench, _EXPIRED, 1)
        found |= _measured(bench, expired, home.environment, lambda: home.fill(1, expired=True))
    ours, theirs = (
        {case.accounts: what for case, what in found.items() if (case.library, case.store) == (name, _PLAIN_FILE)}
        for name in LIBRARIES
    )
    refresh, their_refresh = (found[case] for case in expired)
    sent, they_sent = (max(max(what.requests.values) for what in by_size.values()) for by_size in (ours, theirs))
    return Section(
        "Token in a fresh process",
        f"Whole processes, {_ROUNDS} of each, that import `DeviceCodeCredential`, make one with a record and "
        "`cache_persistence_options`, and call `get_token` once. Both libraries read the same store, as MSAL has "
        f"written it. The ratio is to `{BASE}` in the same environment. The authority is the public cloud's: a proxy "
        "leads both libraries from there to the benchmarks' own. "
        + ("" if cases else "**Not measured here: the Secret Service, as GNOME Keyring is missing.** ")
        + "With the Secret Service azure-identity runs on the system's Python, which has PyGObject.",
        ("library", "store", "accounts", "ms", "ratio", "requests", f"loads of {', '.join(HEAVY)}"),
        [
            (
                case.library,
                case.store,
                f"{case.accounts:,}",
                what.seconds.show(1e-3),
                what.ratio.show(),
                what.requests.show_range(),
                what.heavy,
            )
            for case, what in found.items()
        ],
        [
            Target(
                f"cached token in a fresh process, 1 account, over `{BASE}`",
                f"≤ {_TARGET}",
                ours[1].ratio.show(),
                ours[1].ratio.median <= _TARGET,
                theirs[1].ratio.show(),
            ),
            Target(
                f"requests that it sends, with 1 to {max(_SIZES):,} accounts",
                "0",
                f"{sent:g}",
                sent == 0,
                f"{they_sent:g}",
            ),
            Target(
                f"modules that it loads, of {', '.join(HEAVY)}",
                "no msal",
                ours[1].heavy,
                all("msal" not in what.heavy for what in ours.values()),
                theirs[1].heavy,
            ),
            Target(
                "refresh in a fresh process: requests",
                "1",
                refresh.requests.show_range(),
                set(refresh.requests.values) == {1},
                their_refresh.requests.show_range(),
            ),
        ],
    )


def _cases(bench: Bench, kept_in: str, accounts: int) -> list[_Case]:
    return [_Case(worker.library, worker.python, kept_in, accounts) for worker in bench.workers]


def silent_program(library: str, *, plain: bool = True) -> str:
    """Return a program that gets a signed-in person's token without asking.

    :param library: the library's name.
    :param plain: whether a plain file will do as store.
    """
    return f"""
from {LIBRARIES[library].package} import AuthenticationRecord, DeviceCodeCredential, TokenCachePersistenceOptions

credential = DeviceCodeCredential(
    authentication_record=AuthenticationRecord(**{record(0, LOGIN_HOST)}),
    cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage={plain}),
    disable_automatic_authentication=True,
)
credential.get_token({scope(0)!r})
"""


def store(library: Library, *, text: str) -> None:  # noqa: ARG001 - every question names one
    """In azid's worker: put MSAL's cache into the personal store."""
    from azid.tokens.stores.personal import open_personal_store

    with open_personal_store().transaction(cae=False) as document:
        document.update(json.loads(text))


def _measured(
    bench: Bench, cases: list[_Case], environment: Mapping[str, str], prepare: Callable[[], object] = lambda: None
) -> dict[_Case, _Found]:
    """Measure in turn.

    :param prepare: what is to be done before each process.
    """
    programs = {case: silent_program(case.library, plain=case.store != _SECRET_SERVICE) for case in cases}
    heavy: dict[_Case, str] = {}
    for case in cases:
        prepare()
        heavy[case] = none_or(loaded_modules(case.python, programs[case], environment))
    taken: dict[_Case, list[tuple[float, float, int]]] = {case: [] for case in cases}
    for _ in range(_ROUNDS):
        for case in cases:
            prepare()
            base = seconds_of(case.python, BASE, environment)
            bench.authority.take_requests()
            seconds = seconds_of(case.python, programs[case], environment)
            taken[case].append((base, seconds, bench.authority.take_requests().total()))
    found = {}
    for case in cases:
        bases, times, requests = (sample(values) for values in zip(*taken[case], strict=True))
        found[case] = _Found(times, times.over(bases), requests, heavy[case])
    return found


@contextmanager
def _keyring_home(bench: Bench) -> Iterator[tuple[list[_Case], dict[str, str]]]:
    """Return a context with a keyring in which somebody is signed in, and who can ask for the token there."""
    keyring_daemon = GNOME_KEYRING.locate()
    if keyring_daemon is None:
        yield [], {}
        return
    from tests.support.gnome_keyring import start_bus, start_keyring

    with start_bus() as bus, start_keyring(keyring_daemon, bus):
        environment = {
            **bench.authority.environment,
            "HOME": str(bus.folder),
            "XDG_RUNTIME_DIR": str(bus.folder),
            "DBUS_SESSION_BUS_ADDRESS": bus.address,
        }
        with Worker(bench.azid.library, bench.azid.python, environment) as worker:
            worker.ask(store, text=cache_text(1))
        pythons = {bench.azid.library: bench.azid.python, bench.azure_identity.library: LIBSECRET.locate()}
        yield (
            [_Case(library, python, _SECRET_SERVICE, 1) for library, python in pythons.items() if python],
            environment,
        )
