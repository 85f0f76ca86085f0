"""Make the virtual environment that development happens in: `python3 tools/venv.py .venv`.

Runs on the machine's own Python before anything is installed, so it uses the standard library only and syntax that an
old interpreter can still read far enough to say that it is too old.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 10)
# Dependency groups (PEP 735) are read by pip from this version on.
PIP = "pip>=25.1"


def main(folder: str) -> None:
    if sys.version_info[:2] < OLDEST_PYTHON:
        sys.exit(f"{sys.executable} is older than Python 3.10. Name another one: make demo PYTHON=python3.12")
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_support()
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP], check=True)


def install_venv_support() -> None:
    """Debian and Ubuntu ship ensurepip, without which venv makes no pip, in a package of its own."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit("This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install " + package)
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
