from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Iterator
from logging.handlers import QueueHandler
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape

import pytest
from azure.core.pipeline import Pipeline, policies
from azure.core.rest import HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from azid.pipeline import TokenPipeline
from azid.redaction import Secrets, filter_loggers, guarded_secrets
from tests.support.stub_transport import Reply, StubTransport, json_reply

URL = "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
AWKWARD = 'it\'s "4/5" of\\a+b &=?é%\n\U0001d4b3'  # for each way to quote something


class Lines(logging.Handler):
    """Keeps what would be written, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def logged() -> Iterator[Lines]:
    """What every logger writes at DEBUG within the test."""
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


# Secrets


@pytest.mark.parametrize(
    "quoted",
    [
        AWKWARD,
        repr(AWKWARD),
        repr({"password": AWKWARD}),
        json.dumps(AWKWARD),
        json.dumps({"password": AWKWARD}, indent=4),
        json.dumps(AWKWARD, ensure_ascii=False),
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        quote_plus(AWKWARD),
        urlencode({"password": AWKWARD}),
        json.dumps(json.dumps({"password": AWKWARD})),
        json.dumps(AWKWARD).replace("/", "\\/"),
        escape(AWKWARD, {'"': "&quot;", "'": "&apos;"}),
        repr(escape(AWKWARD, {'"': "&quot;", "'": "&apos;"}).encode()),
    ],
    ids=[
        *("as it is", "repr", "repr of a dict", "JSON", "JSON of an object", "JSON beyond ASCII", "quote"),
        *("quote all", "quote_plus", "urlencode", "JSON in JSON", "JSON with escaped slashes", "XML", "XML as bytes"),
    ],
)
def test_a_secret_is_found_however_it_is_quoted(quoted: str) -> None:
    secrets = Secrets()
    secrets.add(AWKWARD)
    redacted = secrets.redact(f"before {quoted} after")
    assert "***" in redacted
    assert "of" not in redacted.removeprefix("before ").removesuffix(" after")


def test_a_secret_within_another_does_not_save_a_part_of_it() -> None:
    secrets = Secrets()
    secrets.add("abc", "abcdef", "def")
    assert secrets.redact("<abcdef> <abc> <def>") == "<***> <***> <***>"


@pytest.mark.parametrize("nothing", [None, "", b"", 0, 5, ["abc"], {"abc": "abc"}])
def test_only_text_is_a_secret(nothing: object) -> None:
    secrets = Secrets()
    secrets.add(nothing)
    assert secrets.redact("abc 0 5 None") == "abc 0 5 None"


def test_bytes_are_secrets_too() -> None:
    secrets = Secrets()
    secrets.add_parameters({"assertion": b"aaa"})
    assert secrets.redact(repr({"assertion": b"aaa"})) == "{'assertion': b'***'}"


def test_only_secret_parameters_are_secrets() -> None:
    secrets = Secrets()
    secrets.add_parameters({"refresh_token": "aaa", "scope": "bbb", "client_id": "ccc", "password": "ddd", "claims": 5})
    assert secrets.redact("aaa bbb ccc ddd") == "*** bbb ccc ***"


@pytest.mark.parametrize("text", ["<html>aaa</html>", '["aaa"]', '"aaa"', '{"cut": "aaa', "[" * 5000])
def test_all_of_a_reply_that_is_no_object_is_secret(text: str) -> None:
    secrets = Secrets()
    secrets.add_body(text)
    assert secrets.redact(f"got {text}") == "got ***"


def test_a_reply_of_absurd_depth_does_no_harm() -> None:
    Secrets().add_body("[" * 100_000)


@given(st.text(min_size=4), st.text(), st.text())
def test_no_text_hides_a_secret(secret: str, before: str, after: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    assert secret not in secrets.redact(before + secret + after)


# Loggers

LOGGER = logging.getLogger("azid-test-redaction.of.this")
filter_loggers("azid-test-redaction")


def test_records_are_redacted_within_the_block_and_untouched_outside(logged: Lines) -> None:
    LOGGER.debug("a %s", "hush")
    with guarded_secrets("hush"):
        LOGGER.debug("b %s", "hush")
        LOGGER.debug("c %(x)s", {"x": "hush"})
        LOGGER.debug("d hush")
    LOGGER.debug("e %s", "hush")
    messages = [line.rpartition("this ")[2] for line in logged.lines]
    assert messages == ["a hush", "b ***", "c ***", "d ***", "e hush"]


class AsItIs(QueueHandler):
    """Hands records on without merging their arguments into them."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def test_a_record_that_is_untouched_keeps_its_arguments() -> None:
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = AsItIs(records)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    try:
        LOGGER.debug("a %s", "b")
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(logging.NOTSET)
    record = records.get_nowait()
    assert (record.msg, record.args) == ("a %s", ("b",))


def test_what_is_learnt_within_the_block_is_redacted(logged: Lines) -> None:
    with guarded_secrets() as outer, guarded_secrets("first") as inner:
        assert inner is outer
        inner.add("second")
        LOGGER.debug("first second")
    assert "*** ***" in logged.text


def test_an_inner_block_does_not_end_the_outer_one(logged: Lines) -> None:
    with guarded_secrets("outer"):
        with guarded_secrets("inner"):
            pass
        LOGGER.debug("outer inner")
    assert "*** ***" in logged.text


def test_other_threads_are_untouched(logged: Lines) -> None:
    with guarded_secrets("hush"):
        thread = threading.Thread(target=LOGGER.debug, args=("from elsewhere: hush",))
        thread.start()
        thread.join()
    assert "from elsewhere: hush" in logged.text


def test_other_loggers_are_untouched(logged: Lines) -> None:
    with guarded_secrets("hush"):
        logging.getLogger("azid-test-redactions-neighbour").debug("hush")
    assert "hush" in logged.text


def test_tracebacks_are_redacted(logged: Lines) -> None:
    with guarded_secrets("hush"):
        try:
            raise ValueError("hush: " + "hush")
        except ValueError:
            LOGGER.exception("failed")
    assert "ValueError: ***: ***" in logged.text
    assert "hush" not in logged.text


def test_a_malformed_record_harms_nobody(logged: Lines) -> None:
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with guarded_secrets("hush"):
            LOGGER.debug("%d hush", "x")
    finally:
        logging.raiseExceptions = before
    assert "hush" not in logged.text


def test_a_logger_is_filtered_once(logged: Lines) -> None:
    filter_loggers("azid-test-redaction")
    filter_loggers("azid-test-redaction", "azid-test-redaction.of")
    assert len(LOGGER.filters) == 1


# Azure-core's own logging

FORM = {
    "grant_type": "password",
    "client_id": "the-client",
    "scope": "the-scope",
    **{
        name: f"the secret/{name}+'of' \"this\" request é"
        for name in (
            *("refresh_token", "password", "code", "code_verifier", "device_code", "claims", "client_secret"),
            *("assertion", "user_code"),
        )
    },
}
REPLY = {
    "token_type": "Bearer",
    **{
        name: f"the secret/{name}+'of' \"this\" reply é"
        for name in (
            *("access_token", "refresh_token", "id_token", "client_info", "device_code", "user_code", "claims"),
        )
    },
}


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("options", [{"logging_enable": True}, {}])
def test_azure_cores_network_trace_tells_no_secret(logged: Lines, status: int, options: dict[str, Any]) -> None:
    transport = StubTransport(json_reply(REPLY, status))
    TokenPipeline(transport=transport, **options).send(HttpRequest("POST", URL, data=FORM))
    assert "the-client" in logged.text or not options
    assert "Response status" in logged.text
    assert "the secret" not in logged.text
    assert "secret%2F" not in logged.text
    assert "of' " not in logged.text


def test_the_network_trace_of_the_applications_own_policies_tells_no_secret(logged: Lines) -> None:
    own = [policies.NetworkTraceLoggingPolicy(logging_enable=True)]
    pipeline = TokenPipeline(transport=StubTransport(json_reply(REPLY)), policies=own)
    pipeline.send(HttpRequest("POST", URL, data=FORM))
    assert "the-client" in logged.text
    assert "the secret" not in logged.text


@pytest.mark.parametrize(
    "body",
    [
        "<html>the secret</html>",
        '"the secret"',
        '{"access_token": "the secret',
        '{"access_token": "the secr\\u0065t", "x": 1}',
        '{"refresh_token": "a\\/the secret", "x": 1}',
        '{"error": {"code": "x", "access_token": "the secret"}}',
    ],
    ids=["a page", "text", "cut", "escaped letters", "escaped slashes", "nested"],
)
def test_no_shape_of_a_reply_tells_a_secret_in_the_network_trace(logged: Lines, body: str) -> None:
    pipeline = TokenPipeline(transport=StubTransport(Reply(200, body)), logging_enable=True)
    pipeline.send(HttpRequest("POST", URL, data=FORM))
    assert "the-client" in logged.text
    assert "the secr" not in logged.text


def test_requests_of_other_programs_are_logged_as_ever(logged: Lines) -> None:
    TokenPipeline(transport=StubTransport(json_reply(REPLY)), logging_enable=True).send(
        HttpRequest("POST", URL, data=FORM)
    )
    transport: Any = StubTransport(json_reply({"access_token": "of no concern"}))
    theirs: Pipeline[Any, Any] = Pipeline(transport, [policies.NetworkTraceLoggingPolicy(logging_enable=True)])
    theirs.run(HttpRequest("POST", URL, data={"password": "of another program"}))
    assert "of another program" in logged.text
    assert "of no concern" in logged.text
