"""What a refresh costs above the request itself."""

from __future__ import annotations

import time
from collections import defaultdict

from benchmarks.bench import Bench
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import sample
from benchmarks.sign_ins import CLAIMS, CLIENT_ID, TENANT_ID, cache_of, scope
from benchmarks.worker import Worker

__all__ = ["measure"]

_ROUNDS = 10
_REFRESHES = 30
_WARM_UP = 2
_TARGET = 1.3


def measure(bench: Bench) -> Section:
    """Time refreshes and bare requests in turn, on connections that are kept."""
    taken: dict[Worker, dict[str, list[float]]] = {worker: defaultdict(list) for worker in bench.workers}
    requests: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    for _ in range(_ROUNDS):
        for worker in bench.workers:
            bench.authority.take_requests()
            for name, values in worker.ask(time_refreshes, **bench.reach).items():
                taken[worker][name] += values
            others = 2  # the bare request and MSAL's
            requests[worker].append(bench.authority.take_requests()["token"] / (_WARM_UP + _REFRESHES) - others)
    assert min(min(values) for values in requests.values()) >= 1, "something was answered without a refresh"
    times = {worker: {name: sample(values) for name, values in by_name.items()} for worker, by_name in taken.items()}
    ratios = {worker: times[worker]["refresh"].over(times[worker]["bare"]) for worker in bench.workers}
    return Section(
        "Refresh, same process",
        "`get_token` with a claims challenge, which no token that there is will do for, beside "
        "`requests.Session().post` of the same form to the same https server on loopback, whose answers are prepared: "
        f"{_ROUNDS * _REFRESHES} of each, "
        "in turn, on connections that are kept. MSAL alone is MSAL's own refresh on that session, without azure-core's "
        "pipeline and without either library. The real Entra ID's time and the network's come on top of each.",
        (
            "library",
            "refresh, ms",
            "MSAL alone, ms",
            "bare post, ms",
            "ratio",
            "ratio of MSAL alone",
            "requests a refresh",
        ),
        [
            (
                worker.library,
                times[worker]["refresh"].show(1e-3),
                times[worker]["msal"].show(1e-3),
                times[worker]["bare"].show(1e-3),
                ratios[worker].show(),
                times[worker]["msal"].over(times[worker]["bare"]).show(),
                sample(requests[worker]).show_range(),
            )
            for worker in bench.workers
        ],
        [
            Target(
                "refresh in the same process, over a bare `requests.Session` post",
                f"≤ {_TARGET}",
                ratios[bench.azid].show(),
                ratios[bench.azid].median <= _TARGET,
                ratios[bench.azure_identity].show(),
            )
        ],
    )


def time_refreshes(library: Library, *, host: str, ca_file: str) -> dict[str, list[float]]:
    """In a worker: return the seconds of refreshes, of MSAL's own, and of bare requests."""
    import msal
    import requests

    credential = library.signed_in_credential(host, ca_file, cache_of(1, 1, expired=True))
    token_endpoint = f"https://{host}/{TENANT_ID}/oauth2/v2.0/token"
    form = {
        "client_id": CLIENT_ID,
        "grant_type": "refresh_token",
        "client_info": "1",
        "scope": f"{scope(0)} offline_access openid profile",
        "refresh_token": "refresh-token-0-0-".ljust(1_000, "r"),
        "claims": CLAIMS,
    }
    with requests.Session() as session:
        session.verify = ca_file
        application = msal.PublicClientApplication(
            CLIENT_ID,
            authority=f"https://{host}/{TENANT_ID}",
            instance_discovery=False,
            http_client=session,
            token_cache=cache_of(1, 1, expired=True),
        )
        account = application.get_accounts()[0]

        def bare() -> None:
            session.post(token_endpoint, data=form).raise_for_status()

        def msal_alone() -> None:
            assert "access_token" in application.acquire_token_silent([scope(0)], account, claims_challenge=CLAIMS)

        def refresh() -> None:
            credential.get_token(scope(0), claims=CLAIMS)

        calls = {"bare": bare, "msal": msal_alone, "refresh": refresh}
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for call in tuple(calls.values()) * _WARM_UP:  # connect, and load what is loaded once
            call()
        for _ in range(_REFRESHES):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - began)
    credential.close()
    return taken
