"""The environment of programs that know nothing of the emulator, and how they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azid.emulator.programs import NODE_PRELOAD, private_environment, proxy_environment, run

LEADS = proxy_environment("http://127.0.0.1:1", "/ca.pem")


def private(home: Path, **environ: str) -> dict[str, str]:
    return private_environment(environ, LEADS, home)


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CONFIG_DIR",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_PASSWORD",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "AZID_CONFIG_DIR",
        "IDENTITY_ENDPOINT",
        "MSI_SECRET",
        "SYSTEM_ACCESSTOKEN",
        "SYSTEM_OIDCREQUESTURI",
        "XDG_CACHE_HOME",
        "ALL_PROXY",
        "all_proxy",
        "BROWSER",
    ],
)
def test_what_would_lead_to_a_real_sign_in_is_left_out(tmp_path: Path, name: str) -> None:
    assert name not in private(tmp_path, **{name: "real"})


@pytest.mark.parametrize("name", ["PATH", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "LANG", "APP_SETTING"])
def test_the_programs_own_settings_stay(tmp_path: Path, name: str) -> None:
    assert private(tmp_path, **{name: "mine"})[name] == "mine"


def test_the_persons_home_keyring_and_proxy_are_replaced(tmp_path: Path) -> None:
    real = {"HOME": "/real", "DBUS_SESSION_BUS_ADDRESS": "/real", "https_proxy": "/real", "NO_PROXY": "*"}
    environment = private(tmp_path, **real)
    assert "/real" not in environment.values()
    assert environment["HOME"] == str(tmp_path)
    assert "*" not in environment["NO_PROXY"]


def test_what_node_was_told_already_stays(tmp_path: Path) -> None:
    assert private(tmp_path, NODE_OPTIONS="--trace-warnings")["NODE_OPTIONS"] == (
        f"--trace-warnings {LEADS['NODE_OPTIONS']}"
    )
    assert NODE_PRELOAD.exists()


def test_a_programs_exit_code_comes_back() -> None:
    assert run([sys.executable, "-c", "raise SystemExit(7)"], os.environ) == 7


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_so_does_the_signal_that_ended_it() -> None:
    assert run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], os.environ) == 137


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_takes_no_exit_code_away() -> None:
    program = """
import os
from azid.emulator.programs import run
print({run(["sh", "-c", "kill -INT $PPID; exit 9"], os.environ) for _ in range(100)})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "{9}\n", done.stderr


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], os.environ)
