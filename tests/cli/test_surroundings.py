"""How `azid login` chooses the way to sign in."""

from __future__ import annotations

import io
from typing import Any

import pytest

from azid.cli.surroundings import Choice, Surroundings, choose_flow, look_around, why_elsewhere

WSL = "5.15.153.1-microsoft-standard-WSL2"
SCREEN = {"DISPLAY": ":0"}
SSH = {"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}


class Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("environ", "around", "flow", "reason"),
    [
        # a screen with a browser
        ({}, {"platform": "darwin"}, "browser", ""),
        ({}, {"platform": "win32"}, "browser", ""),
        (SCREEN, {}, "browser", ""),
        ({"WAYLAND_DISPLAY": "wayland-0"}, {}, "browser", ""),
        ({"BROWSER": "firefox"}, {}, "browser", ""),
        (SCREEN, {"platform": "freebsd14"}, "browser", ""),
        # none
        ({}, {}, "device code", "There is no screen here"),
        ({"DISPLAY": ""}, {}, "device code", "There is no screen here"),
        ({}, {"platform": "freebsd14"}, "device code", "There is no screen here"),
        # WSL: the browser is the one of Windows, even with a screen of Linux's
        ({}, {"kernel": WSL, "windows": True}, "browser", ""),
        ({"WSL_DISTRO_NAME": "Ubuntu"}, {"windows": True}, "browser", ""),
        ({"VSCODE_IPC_HOOK_CLI": "/run/x.sock"}, {"kernel": WSL, "windows": True}, "browser", ""),
        ({}, {"kernel": WSL}, "device code", "No browser of Windows is found from this WSL"),
        (SCREEN, {"kernel": WSL}, "device code", "No browser of Windows is found from this WSL"),
        ({"BROWSER": "firefox"}, {"kernel": WSL}, "browser", ""),
        # the person sits elsewhere, whatever this machine has
        ({**SSH, **SCREEN}, {}, "device code", "This is an SSH session"),
        ({**SSH, "BROWSER": "firefox"}, {}, "device code", "This is an SSH session"),
        (SSH, {"platform": "darwin"}, "device code", "This is an SSH session"),
        (SSH, {"platform": "win32"}, "device code", "This is an SSH session"),
        ({**SSH}, {"kernel": WSL, "windows": True}, "device code", "This is an SSH session"),
        ({"SSH_TTY": "/dev/pts/0"}, {}, "device code", "This is an SSH session"),
        ({"CODESPACES": "true", "BROWSER": "helper"}, {}, "device code", "This is a codespace"),
        ({"GITPOD_WORKSPACE_ID": "x"}, {}, "device code", "This is a Gitpod workspace"),
        ({"REMOTE_CONTAINERS": "true", "BROWSER": "helper"}, {}, "device code", "This is a development container"),
        (
            {"VSCODE_IPC_HOOK_CLI": "/run/x.sock", "BROWSER": "helper"},
            {},
            "device code",
            "This is VS Code's terminal on another machine",
        ),
        # containers, and those that are part of the desktop
        (SCREEN, {"container": True}, "device code", "This is a container"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {}, "device code", "This is a container"),
        ({}, {"container": True, "kernel": WSL, "windows": True}, "device code", "This is a container"),
        ({"BROWSER": "helper"}, {"container": True}, "browser", ""),
        ({**SCREEN, "TOOLBOX_PATH": "/usr/bin/toolbox"}, {"container": True}, "browser", ""),
        ({**SCREEN, "DISTROBOX_ENTER_PATH": "/usr/bin/distrobox-enter"}, {"container": True}, "browser", ""),
    ],
)
def test_a_person_signs_in_where_their_screen_is(
    environ: dict[str, str], around: dict[str, Any], flow: str, reason: str
) -> None:
    assert choose_flow(Surroundings(environ, **around)) == (flow, reason)


CI_REASON = "This is continuous integration (CI is set), where nobody can sign in"


@pytest.mark.parametrize(
    ("environ", "around", "asked", "choice"),
    [
        # nobody is there: nothing is tried that was not asked for
        (SCREEN, {"attended": False}, {}, Choice(None, "There is no terminal here, so there may be nobody to sign in")),
        ({"CI": "true", **SCREEN}, {}, {}, Choice(None, CI_REASON)),
        ({"CI": "1"}, {"attended": False}, {"browser": False}, Choice(None, CI_REASON)),
        ({"CI": "true"}, {"attended": False}, {"device_code": True}, Choice("device code")),
        ({"CI": "true"}, {"attended": False}, {"browser": True}, Choice("browser")),
        ({}, {"attended": False}, {"device_code": True}, Choice("device code")),
        ({"CI": "false", **SCREEN}, {}, {}, Choice("browser")),
        ({"CI": "", **SCREEN}, {}, {}, Choice("browser")),
        # what the person asks for is done
        (SCREEN, {}, {"device_code": True}, Choice("device code")),
        (SSH, {}, {"browser": True}, Choice("browser")),
        (SCREEN, {}, {"browser": False}, Choice("address")),
        (SCREEN, {}, {"browser": False, "port": 8400}, Choice("address")),
        (SCREEN, {}, {"port": 8400}, Choice("browser")),
        # no browser is to be opened, and an address of this machine's would be of no use
        (SSH, {}, {"browser": False}, Choice("device code", "This is an SSH session")),
        ({}, {}, {"browser": False}, Choice("device code", "There is no screen here")),
        # unless the person has a port forwarded
        (SSH, {}, {"browser": False, "port": 8400}, Choice("address")),
        (SSH, {}, {"port": 8400}, Choice("address")),
        ({}, {"container": True}, {"port": 8400}, Choice("address")),
    ],
)
def test_what_was_asked_for_is_done_and_nobody_is_waited_for_who_is_not_there(
    environ: dict[str, str], around: dict[str, Any], asked: dict[str, Any], choice: Choice
) -> None:
    assert choose_flow(Surroundings(environ, **around), **asked) == choice


@pytest.mark.parametrize("name", ["TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"])
def test_systems_that_do_not_set_the_usual_variable_are_known(name: str) -> None:
    choice = choose_flow(Surroundings({name: "True", **SCREEN}))
    assert choice.flow is None
    assert name in choice.reason


@pytest.mark.parametrize(
    ("terminals", "attended"),
    [((True, True), True), ((True, False), True), ((False, True), True), ((False,) * 2, False)],
)
def test_one_terminal_is_enough_for_a_person(terminals: tuple[bool, bool], attended: bool) -> None:
    around = look_around({}, streams=(Stream(terminals[0]), Stream(terminals[1])))
    assert around.attended is attended


def test_a_process_without_streams_is_not_attended() -> None:
    assert not look_around({}, streams=(None, None)).attended


def test_the_browser_of_windows_is_looked_for_under_wsl_only() -> None:
    def which(name: str) -> str | None:
        return f"/usr/bin/{name}" if name == "wslview" else None

    streams = (None, None)
    assert look_around({"WSL_DISTRO_NAME": "Ubuntu"}, streams=streams, which=which).windows
    assert not look_around({"WSL_DISTRO_NAME": "Ubuntu"}, streams=streams, which=lambda _: None).windows
    assert not look_around({}, streams=streams, which=which).windows


def test_a_machine_that_one_sits_at_is_not_elsewhere() -> None:
    assert why_elsewhere(Surroundings(SCREEN)) == ""
    assert why_elsewhere(Surroundings({})) == ""
