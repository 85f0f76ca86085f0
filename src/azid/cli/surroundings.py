"""What kind of machine the command runs on, and how a person can sign in there."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

from azid.browser import finds_windows, is_under_windows

__all__ = ["Choice", "Surroundings", "choose_flow", "look_around", "why_elsewhere"]

_CONTINUOUS_INTEGRATION: Final = ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")
"""Most systems set the first; Azure Pipelines, Jenkins, TeamCity and AWS CodeBuild have their own."""
_CONTAINER_FILES: Final = ("/.dockerenv", "/run/.containerenv")
_PART_OF_THE_DESKTOP: Final = ("TOOLBOX_PATH", "DISTROBOX_ENTER_PATH")
"""Set in containers that share their host's screen, browser and ports: Toolbx's and Distrobox's."""
_ELSEWHERE: Final = {
    "CODESPACES": "This is a codespace",
    "GITPOD_WORKSPACE_ID": "This is a Gitpod workspace",
    "REMOTE_CONTAINERS": "This is a development container",
    "SSH_CONNECTION": "This is an SSH session",
    "SSH_CLIENT": "This is an SSH session",
    "SSH_TTY": "This is an SSH session",
}
_NO: Final = frozenset({"", "0", "false", "no"})


class Surroundings(NamedTuple):
    """What is known of the machine, and of who may sit at it.

    :param environ: environment variables.
    :param platform: as `sys.platform` has it.
    :param kernel: the kernel's release, by which WSL is told.
    :param container: whether there is a file that only containers have.
    :param windows: whether a program that opens the browser of Windows is found; of interest under WSL only.
    :param attended: whether there is a terminal, at which somebody may read and type.
    """

    environ: Mapping[str, str]
    platform: str = "linux"
    kernel: str = ""
    container: bool = False
    windows: bool = False
    attended: bool = True


class Choice(NamedTuple):
    """How to sign in.

    :param flow: ``browser`` opens one, ``address`` shows what to open in one on this machine, ``device code`` lets the
        person use one anywhere; None if there is no way.
    :param reason: why it is not the browser, or why there is none, as a sentence without its full stop. Empty if the
        person asked for it.
    """

    flow: Literal["browser", "address", "device code"] | None
    reason: str = ""


def look_around(
    environ: Mapping[str, str] = os.environ,
    *,
    streams: tuple[IO[Any] | None, ...] | None = None,
    which: Callable[[str], str | None] = shutil.which,
) -> Surroundings:
    """Return what is known of this machine.

    :param environ: environment variables. Defaults to the process's.
    :param streams: where a person may be: the process's standard input and standard error unless told otherwise.
    :param which: as `shutil.which`.
    """
    kernel = platform.release()
    return Surroundings(
        environ,
        sys.platform,
        kernel,
        container=any(Path(file).exists() for file in _CONTAINER_FILES),
        windows=is_under_windows(environ, kernel) and finds_windows(which),
        attended=any(stream is not None and stream.isatty() for stream in (streams or (sys.stdin, sys.stderr))),
    )


def choose_flow(
    around: Surroundings, *, device_code: bool = False, browser: bool | None = None, port: int | None = None
) -> Choice:
    """Return how to sign in.

    :param around: what is known of the machine.
    :param device_code: whether the person asked for a device code.
    :param browser: True if the person asked for the browser, False if none is to be opened.
    :param port: the port at which the browser's answer is to arrive, if the person chose one.
    """
    if device_code:
        return Choice("device code")
    if browser:
        return Choice("browser")
    if nobody := _why_nobody(around):
        return Choice(None, nobody)
    if port is not None:  # it was chosen because the browser's answer comes from elsewhere, as through SSH
        return Choice("address") if browser is False or why_elsewhere(around) else Choice("browser")
    if obstacle := why_elsewhere(around) or _why_no_screen(around):
        return Choice("device code", obstacle)
    return Choice("browser" if browser is None else "address")


def why_elsewhere(around: Surroundings) -> str:
    """Return why the person's screen is likely to be another machine's, as a sentence; empty if it is not."""
    environ = around.environ
    for name, told in _ELSEWHERE.items():
        if environ.get(name):
            return told
    container = around.container or environ.get("KUBERNETES_SERVICE_HOST")
    if container and not any(environ.get(name) for name in ("BROWSER", *_PART_OF_THE_DESKTOP)):
        return "This is a container"
    # VS Code's server sets it in its terminals; under WSL, too, but there the browser is on the same machine.
    if environ.get("VSCODE_IPC_HOOK_CLI") and not is_under_windows(environ, around.kernel):
        return "This is VS Code's terminal on another machine"
    return ""


def _why_no_screen(around: Surroundings) -> str:
    environ = around.environ
    if environ.get("BROWSER") or around.platform in ("win32", "cygwin", "darwin"):
        return ""
    if is_under_windows(environ, around.kernel):
        return "" if around.windows else "No browser of Windows is found from this WSL"
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return ""
    return "There is no screen here"


def _why_nobody(around: Surroundings) -> str:
    for name in _CONTINUOUS_INTEGRATION:
        if around.environ.get(name, "").lower() not in _NO:
            return f"This is continuous integration ({name} is set), where nobody can sign in"
    return "" if around.attended else "There is no terminal here, so there may be nobody to sign in"
