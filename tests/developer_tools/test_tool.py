"""What all three tools have in common, each through its credential."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AuthenticationRequiredError, CredentialUnavailableError
from azid.clock import ManualClock
from azid.developer_tools.tool import Tool, ToolOutput
from tests.conftest import GRAPH, VAULT, in_threads
from tests.developer_tools.conftest import CREDENTIALS, MakeToolCredential
from tests.support.developer_tools import GIVE_UP, StandIn, Tools
from tests.support.forked import in_fork

SOON = 0.2  # seconds that a tool which hangs is given
TENANT = "22222222-2222-2222-2222-222222222222"
OTHER_TENANT = "33333333-3333-3333-3333-333333333333"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
JWT = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJjYW5hcnkifQ.canary-signature"
OPAQUE = "canary" * 20


def failure_of(call: Callable[[], object]) -> ClientAuthenticationError:
    with pytest.raises(ClientAuthenticationError) as caught:
        call()
    return caught.value


class TestAToken:
    def test_is_what_the_tool_gives(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        expires_on = int(clock.time()) + 3600
        tool.gives("token", expires_on)
        token = make().get_token(GRAPH)
        assert (token.token, token.expires_on) == ("token", expires_on)
        info = make().get_token_info(GRAPH)
        assert (info.token, info.expires_on, info.token_type) == ("token", expires_on, "Bearer")

    def test_is_remembered_until_it_is_due(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        credential = make()
        tool.gives("first", clock.time() + 3600)
        assert [credential.get_token(GRAPH).token for _ in range(3)] == ["first"] * 3
        assert credential.get_token_info(GRAPH).token == "first"
        tool.gives("second", clock.time() + 7200)
        clock.advance(3500)
        assert credential.get_token(GRAPH).token == "second"
        assert len(tool.notes) == 2

    def test_is_another_one_for_each_scope_tenant_and_mode(
        self, tool: StandIn, make: MakeToolCredential, clock: ManualClock
    ) -> None:
        credential = make()
        tool.gives("token", clock.time() + 3600)
        for _ in range(2):
            credential.get_token(GRAPH)
            credential.get_token(VAULT)
            credential.get_token(GRAPH, tenant_id=TENANT)
            credential.get_token(GRAPH, enable_cae=True)
        assert len(tool.notes) == 4

    def test_that_is_still_good_is_returned_if_the_tool_fails(
        self, tool: StandIn, make: MakeToolCredential, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        credential = make()
        tool.gives("token", clock.time() + 3600)
        credential.get_token(GRAPH)
        clock.advance(3500)
        tool.prints(errors="canary", status=1)
        assert credential.get_token(GRAPH).token == "token"
        clock.advance(200)
        with pytest.raises(ClientAuthenticationError):
            credential.get_token(GRAPH)

    def test_that_has_expired_is_none(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        tool.gives("token", clock.time())
        assert "expired" in str(failure_of(lambda: make().get_token(GRAPH)))

    @pytest.mark.parametrize("expires_on", [-1, 2**62, 10**400])
    def test_that_expires_at_an_impossible_time_is_none(
        self, tool: StandIn, make: MakeToolCredential, expires_on: int
    ) -> None:
        if tool.path.name == "pwsh":
            tool.prints(token=("token", expires_on))
        else:
            tool.prints(json.dumps({"accessToken": "token", "token": "token", "expires_on": expires_on}))
        assert not isinstance(failure_of(lambda: make().get_token(GRAPH)), CredentialUnavailableError)

    @pytest.mark.parametrize("token", ["", "two words\nand a line", "tökén", "nul\0"])
    def test_that_cannot_be_in_a_header_is_none(
        self, tool: StandIn, make: MakeToolCredential, clock: ManualClock, token: str
    ) -> None:
        tool.gives(token, clock.time() + 3600)
        error = failure_of(lambda: make().get_token(GRAPH))
        assert "something else than a token" in str(error)
        assert not token or token not in str(error)

    def test_is_got_once_for_fifty_threads(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        credential = make()
        tool.gives("token", clock.time() + 3600)
        assert {token.token for token in in_threads(50, lambda: credential.get_token(GRAPH))} == {"token"}
        assert len(tool.notes) == 1


class TestARequest:
    def test_names_the_tenant_of_the_credential_or_of_the_call(
        self, tool: StandIn, make: MakeToolCredential, clock: ManualClock
    ) -> None:
        def asked() -> str:
            [note] = tool.notes
            tool.forget()
            return " ".join(note.arguments) + (note.powershell if tool.path.name == "pwsh" else "")

        tool.gives("token", clock.time() + 3600)
        make().get_token(GRAPH)
        assert "enant-id" not in asked()
        tool.forget()
        make(tenant_id=TENANT).get_token(GRAPH)
        assert TENANT in asked()
        make().get_token(GRAPH, tenant_id=OTHER_TENANT)
        assert OTHER_TENANT in asked()
        make(tenant_id=TENANT, additionally_allowed_tenants=["*"]).get_token(GRAPH, tenant_id=OTHER_TENANT)
        assert TENANT not in asked()

    def test_for_a_tenant_that_is_not_allowed_is_refused(self, tool: StandIn, make: MakeToolCredential) -> None:
        with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
            make(tenant_id=TENANT).get_token(GRAPH, tenant_id=OTHER_TENANT)
        assert tool.notes == []

    @pytest.mark.parametrize(
        "scope", ["a&b", "a b'", "--debug", "-h", "%PATH%", "$(id)", "`id`", "a|b", "a>b", "a\nb'"]
    )
    def test_for_a_scope_that_could_mean_something_to_a_shell_or_the_tool_is_refused(
        self, tool: StandIn, make: MakeToolCredential, scope: str
    ) -> None:
        with pytest.raises(ValueError, match="scope"):
            make().get_token(scope)
        assert tool.notes == []

    @pytest.mark.parametrize("tenant", ["a&b", "a b", "'; id; '", "%PATH%", "a\nb", "ä"])
    def test_for_a_tenant_that_could_mean_something_to_a_shell_is_refused(
        self, tool: StandIn, make: MakeToolCredential, tenant: str
    ) -> None:
        with pytest.raises(ValueError, match="tenant"):
            make().get_token(GRAPH, tenant_id=tenant)
        with pytest.raises(ValueError, match="tenant"):
            make(tenant_id=tenant)
        assert tool.notes == []

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), "10", None, True])
    def test_needs_a_positive_time(self, make: MakeToolCredential, timeout: Any) -> None:
        with pytest.raises(ValueError, match="process_timeout"):
            make(process_timeout=timeout)

    def test_inherits_the_environment_and_runs_in_a_folder_of_the_systems(
        self, tool: StandIn, tools: Tools, make: MakeToolCredential, clock: ManualClock
    ) -> None:
        tool.gives("token", clock.time() + 3600)
        make(environ={**tools.environ, "AZURE_CONFIG_DIR": "/somewhere"}).get_token(GRAPH)
        [note] = tool.notes
        assert note.environment["AZURE_CONFIG_DIR"] == "/somewhere"
        assert Path("/bin").samefile(note.folder)


class TestFinding:
    @pytest.fixture
    def here(self, tmp_path: Path) -> Iterator[Path]:
        """A current folder, in which a tool lies that is not the person's."""
        before, here = Path.cwd(), tmp_path / "here"
        here.mkdir()
        os.chdir(here)
        yield here
        os.chdir(before)

    def test_it_is_not_installed(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.remove()
        error = failure_of(lambda: make().get_token(GRAPH))
        assert isinstance(error, CredentialUnavailableError)
        assert "is not installed: install it" in str(error)

    def test_it_is_no_file_that_may_be_run(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.path.chmod(0o600)
        assert "is not installed" in str(failure_of(lambda: make().get_token(GRAPH)))

    def test_it_cannot_be_run(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.path.write_bytes(b"\x7fELF nonsense")
        error = failure_of(lambda: make().get_token(GRAPH))
        assert isinstance(error, CredentialUnavailableError)
        assert "cannot be run (Exec format error)" in str(error)

    def test_its_shell_does_not_find_what_it_is_to_run(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.path.write_text("#!/bin/sh\nexec no-such-python\n")
        error = failure_of(lambda: make().get_token(GRAPH))
        assert isinstance(error, CredentialUnavailableError)
        assert "not installed properly" in str(error)

    @pytest.mark.parametrize("before", ["", ".", "bin", "./bin"])
    def test_the_current_folder_is_passed_over(
        self, tool: StandIn, tools: Tools, make: MakeToolCredential, clock: ManualClock, here: Path, before: str
    ) -> None:
        for folder in (here, here / "bin"):
            folder.mkdir(exist_ok=True)
            (folder / tool.path.name).write_text("#!/bin/sh\necho canary\n")
            (folder / tool.path.name).chmod(0o755)
        tool.gives("token", clock.time() + 3600)
        path = f"{before}{os.pathsep}{tools.folder}"
        assert make(environ={"PATH": path}).get_token(GRAPH).token == "token"
        tool.remove()
        assert "not installed" in str(failure_of(lambda: make(environ={"PATH": path}).get_token(GRAPH)))

    def test_without_a_search_path_it_is_where_the_systems_programs_are(self, tools: Tools) -> None:
        tool = Tool("The Tool", ["true"], remedy="get it.", timeout=GIVE_UP, environ={})
        assert tool.run().status == 0


class TestAFailure:
    def test_quotes_the_tool_in_one_line_that_a_terminal_cannot_obey(
        self, tool: StandIn, make: MakeToolCredential
    ) -> None:
        tool.prints(errors="\x1b[31mERROR: Something\x1b[0m\r\n  is\tbroken\0\x07.\n", status=1)
        assert str(failure_of(lambda: make().get_token(GRAPH))).endswith("could not get a token: Something is broken .")

    def test_leaves_out_what_is_not_for_one_line(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.prints(errors="ERROR: Broken\nTraceback (most recent call last):\n  File canary\n", status=1)
        assert str(failure_of(lambda: make().get_token(GRAPH))).endswith(": Broken")

    def test_is_short(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.prints(errors="words " * 500_000, status=1)
        assert len(str(failure_of(lambda: make().get_token(GRAPH)))) < 1100

    def test_without_a_word_names_the_exit_status(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.prints(status=3)
        assert "it ended with exit status 3" in str(failure_of(lambda: make().get_token(GRAPH)))

    def test_by_a_signal_names_it(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.prints(dies_by=signal.SIGSEGV)
        assert "it was ended by SIGSEGV" in str(failure_of(lambda: make().get_token(GRAPH)))

    def test_in_other_bytes_than_utf_8_is_told(self, tool: StandIn, make: MakeToolCredential) -> None:
        tool.prints(b"\xff\xfe\0", b"Gr\xfc\xdfe", status=1)
        assert "Gr\ufffd\ufffde" in str(failure_of(lambda: make().get_token(GRAPH)))

    @pytest.mark.parametrize(
        "output", ["", "null", "[]", "{}", "nonsense", "[" * 100_000, '{"token": 1, "accessToken": 1}', b"\xff\0"]
    )
    def test_is_output_that_holds_no_token(self, tool: StandIn, make: MakeToolCredential, output: Any) -> None:
        tool.prints(output)
        error = failure_of(lambda: make().get_token(GRAPH))
        assert not isinstance(error, CredentialUnavailableError)
        assert "something else than a token" in str(error)

    def test_is_told_to_all_who_wait_and_the_next_call_tries_again(
        self, tool: StandIn, make: MakeToolCredential, clock: ManualClock
    ) -> None:
        credential = make()
        tool.prints(errors="Broken", status=1)
        assert {type(error) for error in in_threads(8, lambda: credential.get_token(GRAPH))} <= {
            type(failure_of(lambda: credential.get_token(GRAPH)))
        }
        tool.gives("token", clock.time() + 3600)
        assert credential.get_token(GRAPH).token == "token"


class TestTime:
    def test_is_limited(self, tool: StandIn, make: MakeToolCredential) -> None:
        with tool.living() as life:
            error = failure_of(lambda: make(process_timeout=SOON).get_token(GRAPH))
            life.ends()
        assert isinstance(error, CredentialUnavailableError)
        assert "did not answer within 0.2 seconds" in str(error)
        assert "process_timeout" in str(error)

    def test_of_a_credential_that_is_closed_ends(self, tool: StandIn, make: MakeToolCredential) -> None:
        credential = make()
        errors: list[Exception] = []
        with tool.living() as life:
            asking = threading.Thread(
                target=lambda: errors.append(failure_of(lambda: credential.get_token(GRAPH))), daemon=True
            )
            asking.start()
            life.begins()
            credential.close()
            asking.join(GIVE_UP)
            life.ends()
        [error] = errors
        assert isinstance(error, CredentialUnavailableError)
        assert "closed" in str(error)
        with pytest.raises(CredentialUnavailableError, match="closed"):
            credential.get_token(GRAPH)
        assert len(tool.notes) == 1

    def test_of_a_fork_is_its_own(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        """What a thread of the parent waits for, the child asks for by itself."""
        credential = make()
        with tool.living() as life:
            asking = threading.Thread(target=lambda: failure_of(lambda: credential.get_token(GRAPH)), daemon=True)
            asking.start()
            life.begins()
            tool.gives("the child's", clock.time() + 3600)
            in_fork(lambda: _require(credential.get_token(GRAPH).token == "the child's"))
            credential.close()
            asking.join(GIVE_UP)
            life.ends()


def _require(condition: bool) -> None:
    assert condition


class TestClaims:
    @pytest.mark.parametrize("name", ["az", "pwsh"])  # azd asks for them
    def test_that_only_a_sign_in_satisfies_need_one(self, tool: StandIn, make: MakeToolCredential) -> None:
        error = failure_of(lambda: make(tenant_id=TENANT).get_token(GRAPH, claims=CLAIMS))
        assert isinstance(error, AuthenticationRequiredError)
        assert (error.scopes, error.claims) == ((GRAPH,), CLAIMS)
        assert TENANT in str(error)
        assert "canary" not in str(error)
        assert tool.notes == []


class TestSecrets:
    @pytest.mark.parametrize("status", [0, 1])
    @pytest.mark.parametrize("secret", [JWT, OPAQUE])
    def test_are_told_to_nobody(
        self,
        tool: StandIn,
        make: MakeToolCredential,
        status: int,
        secret: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        quoted = [secret, f'"accessToken": "{secret}"', f"token={secret}", f"at https://x.example/?c=1#{secret}"]
        told = "\n".join(("ERROR: Broken", *quoted))
        tool.prints(f"canary {secret} canary", told, status=status)
        with caplog.at_level(logging.DEBUG):
            error = failure_of(lambda: make().get_token(GRAPH))
        for text in (str(error), repr(error), repr(error.__dict__), caplog.text):
            assert "canary" not in text

    @pytest.mark.parametrize(
        "told",
        [
            '"accessToken": "canary"',
            "'token':'canary'",
            "refresh_token=canary&x=1",
            "client_secret = 'canary'",
            'password: "canary',
        ],
    )
    def test_that_are_short_are_known_by_their_names(self, told: str) -> None:
        shown = ToolOutput(1, "", f"Broken {told}").told
        assert "canary" not in shown
        assert shown.startswith("Broken ")

    def test_leave_ordinary_words_readable(self) -> None:
        told = "fetching token: AADSTS50076: use https://login.microsoftonline.com/organizations, token expired: yes"
        assert ToolOutput(1, "", told).told == told

    @pytest.mark.parametrize("text", ["a" * 1_000_000, "a." * 500_000, "token" * 200_000, "ey" * 500_000, '"' * 10**6])
    def test_are_looked_for_in_no_time(self, text: str) -> None:
        """A pattern that needs more than linear time would need hours."""
        assert len(ToolOutput(1, "", text).told) <= 1000

    def test_are_not_in_a_repr(self, tool: StandIn, make: MakeToolCredential, clock: ManualClock) -> None:
        tool.gives("canary", clock.time() + 3600)
        credential = make()
        assert "canary" not in repr([credential.get_token(GRAPH), credential.get_token_info(GRAPH), credential])
        assert repr(ToolOutput(1, "canary", "canary")) == "ToolOutput(status=1)"


def test_a_token_of_the_machines_own_clock(tool: StandIn, tools: Tools, name: str) -> None:
    tool.gives("token")
    token = CREDENTIALS[name](environ=tools.environ).get_token(GRAPH)
    assert 3500 < token.expires_on - time.time() <= 3600
