"""Faults: what goes wrong on the way, however right the request was."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from azid.clock import Clock
from azid.emulator.directory import names
from azid.emulator.exchange import ConnectionCut, Reply, ReplyTooLate, Request
from azid.emulator.signer import Signer

__all__ = ["Fault", "Faults"]

_HOLD_LIMIT = 60.0  # seconds, of the machine's own clock: a test that forgot the event must still end
_HOLD_SLICE = 0.05  # until `stop` is noticed


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong with the next matching requests.

    The request is not served at all with `status` or `cut="before"`; otherwise it is served, and its reply is changed.

    :param endpoint: which one, by the name `RecordedRequest.endpoint` has; None for any. Defaults to `"token"`.
    :param grant: only requests of this `grant_type`; of a URN the last part is enough.
    :param times: how many requests it meets; None for all until `Emulator.clear`. Defaults to 1.
    :param status: HTTP status instead of an answer.
    :param retry_after: the `Retry-After` header, in seconds.
    :param headers: headers to set on the reply.
    :param cut: close the connection before the reply's first byte, or within its body.
    :param delay: seconds to wait before the reply, on the emulator's clock.
    :param hold: wait until this event is set (a minute at most): for requests that must overlap.
    :param body: bytes instead of the reply's body.
    :param content_type: of the reply.
    :param merge: members to put into a JSON reply.
    :param remove: members to take out of it.
    :param mutate: a function of the JSON reply; what it returns is sent, or the reply itself if it returns None.
    :param id_token: claims to put into the id token, which is signed again; None as a value removes one.
    """

    endpoint: str | None = "token"
    grant: str | None = None
    times: int | None = 1
    status: int | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: Literal["before", "within"] | None = None
    delay: float = 0.0
    hold: threading.Event | None = None
    body: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    merge: Mapping[str, object] = field(default_factory=dict, repr=False)
    remove: tuple[str, ...] = ()
    mutate: Callable[[dict[str, Any]], object] | None = None
    id_token: Mapping[str, object] | None = field(default=None, repr=False)

    def matches(self, endpoint: str, grant: str | None) -> bool:
        return self.endpoint in (None, endpoint) and names(self.grant, grant)


class Faults:
    """The faults that wait for their requests, oldest first."""

    def __init__(self, clock: Clock, signer: Signer) -> None:
        self._clock = clock
        self._signer = signer
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []
        self.stopping = threading.Event()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def _take(self, endpoint: str, grant: str | None) -> Fault | None:
        with self._lock:
            for index, (fault, left) in enumerate(self._waiting):
                if not fault.matches(endpoint, grant):
                    continue
                if left is not None and left <= 1:
                    del self._waiting[index]
                elif left is not None:
                    self._waiting[index] = (fault, left - 1)
                return fault
        return None

    def meet(self, request: Request, endpoint: str, serve: Callable[[Request], Reply]) -> Reply:
        """Serve a request, with the fault that is due.

        :raises ConnectionCut: the connection is to be closed.
        :raises ReplyTooLate: the delay is longer than the caller waits.
        """
        fault = self._take(endpoint, request.form.get("grant_type"))
        if fault is None:
            return serve(request)
        self._wait(fault, request)
        if fault.cut == "before":
            raise ConnectionCut
        reply = Reply(fault.status, [], b"") if fault.status is not None else serve(request)
        self._change(reply, fault)
        return reply

    def _wait(self, fault: Fault, request: Request) -> None:
        if fault.hold is not None:
            limit = time.monotonic() + _HOLD_LIMIT
            while not (fault.hold.wait(_HOLD_SLICE) or self.stopping.is_set() or time.monotonic() > limit):
                pass
        if fault.delay:
            patience = request.read_timeout
            late = patience is not None and fault.delay > patience
            self._clock.wait(self.stopping, patience if late and patience is not None else fault.delay)
            if late:
                raise ReplyTooLate

    def _change(self, reply: Reply, fault: Fault) -> None:
        if fault.merge or fault.remove or fault.mutate or fault.id_token is not None:
            document: Any = json.loads(reply.body or b"{}")
            if fault.id_token is not None and "id_token" in document:
                document["id_token"] = self._signer.resign(document["id_token"], fault.id_token)
            document = {key: value for key, value in {**document, **fault.merge}.items() if key not in fault.remove}
            if fault.mutate is not None:
                changed = fault.mutate(document)
                document = document if changed is None else changed
            reply.body = json.dumps(document).encode()
            reply.set_header("Content-Type", "application/json; charset=utf-8")
        if fault.body is not None:
            reply.body = fault.body
        if fault.retry_after is not None:
            reply.set_header("Retry-After", f"{fault.retry_after:g}")
        if fault.content_type is not None:
            reply.set_header("Content-Type", fault.content_type)
        for name, value in fault.headers.items():
            reply.set_header(name, value)
        if fault.cut == "within":
            reply.cut = True
