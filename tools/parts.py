"""The real programs that tests run azid against: where each is, and `python -m tools.parts` to install what is missing.

Nothing outside the project's ignored folders changes, except that root on Debian or Ubuntu gets packages through apt.
A part that cannot be installed here is named with its remedy; the tests that need it are then skipped, or fail where
`AZID_REQUIRE_ALL=1` says that everything must be present.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NPM_FOLDER = ROOT / ".cache" / "npm"
# Azurite 3.36 asks for a newer Node.js than Debian 12 and 13 have.
NPM_PACKAGES = ("azurite@3.35.0", "oidc-provider@9.13.3", "@azure/msal-node@7.2.1", "axe-core@4.14.1")
AZURE_IDENTITY_FOLDER = ROOT / ".venvs" / "azure-identity"
LIBSECRET_FOLDER = ROOT / ".venvs" / "libsecret"
# PyGObject cannot be built without a compiler and many headers; Debian's package of it is for Debian's Python only.
SYSTEM_PYTHON = Path("/usr/bin/python3")
KEYRING_PACKAGES = ("dbus", "gnome-keyring")
LIBSECRET_PACKAGES = ("gir1.2-secret-1", "libsecret-1-0", "python3-gi")

CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)


@dataclass(frozen=True)
class Part:
    """One real program.

    :param name: what people call it.
    :param variable: the environment variable that names another place for it.
    :param find: returns its default place, or None while it is missing.
    :param remedy: how a person gets it.
    """

    name: str
    variable: str
    find: Callable[[], Path | None]
    remedy: str

    def locate(self) -> Path | None:
        """Return where the part is, or None. A place that the environment names counts as it is."""
        named = os.environ.get(self.variable)
        return Path(named) if named else self.find()


def _find_chromium() -> Path | None:
    found = [path for command in CHROMIUM_COMMANDS if (path := shutil.which(command))]
    found += [path for path in CHROMIUM_PLACES if Path(path).exists()]
    return Path(found[0]) if found else None


def _find_command(name: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = shutil.which(name)
        return Path(found) if found else None

    return find


def _find_in_npm_folder(path: str) -> Callable[[], Path | None]:
    place = NPM_FOLDER / "node_modules" / path
    return lambda: place if place.exists() and _stamped(NPM_FOLDER, *NPM_PACKAGES) else None


def _find_azure_identity() -> Path | None:
    python = AZURE_IDENTITY_FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return python if python.exists() and _stamped(AZURE_IDENTITY_FOLDER, *_azure_identity_inputs()) else None


def _find_gnome_keyring() -> Path | None:
    found = [shutil.which(command) for command in ("gnome-keyring-daemon", "dbus-daemon")]
    return Path(found[0]) if found[0] and found[1] else None


def _find_libsecret() -> Path | None:
    python = LIBSECRET_FOLDER / "bin" / "python"
    return python if python.exists() and _stamped(LIBSECRET_FOLDER, *_azure_identity_inputs()) else None


CHROMIUM = Part("Chromium", "AZID_CHROMIUM", _find_chromium, "apt-get install chromium, or install Google Chrome")
NODE = Part(
    "Node.js", "AZID_NODE", _find_command("node"), "install Node.js 20 or newer with npm, then run `make test` again"
)
AZURITE = Part("Azurite", "AZID_AZURITE", _find_in_npm_folder("azurite/dist/src/blob/main.js"), NODE.remedy)
OIDC_PROVIDER = Part("oidc-provider", "AZID_OIDC_PROVIDER", _find_in_npm_folder("oidc-provider"), NODE.remedy)
AXE = Part("axe-core", "AZID_AXE", _find_in_npm_folder("axe-core/axe.min.js"), NODE.remedy)
MSAL_NODE = Part("MSAL for Node.js", "AZID_MSAL_NODE", _find_in_npm_folder("@azure/msal-node"), NODE.remedy)
AZURE_IDENTITY = Part("azure-identity", "AZID_AZURE_IDENTITY_PYTHON", _find_azure_identity, "run `make test`")
REDIS_SERVER = Part(
    "Redis", "AZID_REDIS_SERVER", _find_command("redis-server"), "apt-get install redis-server, or brew install redis"
)
ZSH = Part("zsh", "AZID_ZSH", _find_command("zsh"), "apt-get install zsh")
FISH = Part("fish", "AZID_FISH", _find_command("fish"), "apt-get install fish")
KUBECTL = Part("kubectl", "AZID_KUBECTL", _find_command("kubectl"), "apt-get install kubernetes-client")
TMUX = Part("tmux", "AZID_TMUX", _find_command("tmux"), "apt-get install tmux")
GNOME_KEYRING = Part(
    "GNOME Keyring", "AZID_GNOME_KEYRING", _find_gnome_keyring, f"apt-get install {' '.join(KEYRING_PACKAGES)}"
)
LIBSECRET = Part(
    "azure-identity with libsecret",
    "AZID_LIBSECRET_PYTHON",
    _find_libsecret,
    f"apt-get install {' '.join(LIBSECRET_PACKAGES)}, then run `make test` again",
)
PARTS = (CHROMIUM, NODE, AZURITE, OIDC_PROVIDER, MSAL_NODE, AXE, AZURE_IDENTITY, REDIS_SERVER)
LINUX_PARTS = (GNOME_KEYRING, LIBSECRET, ZSH, FISH, KUBECTL, TMUX)
COMMANDS = {"zsh": ZSH, "fish": FISH, "kubernetes-client": KUBECTL, "tmux": TMUX}
"""What Debian has as a package, by the package's name."""


def install_debian_packages(*packages: str) -> None:
    """Install packages through apt, where this process may."""
    if os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "--no-upgrade", *packages)


def install_npm_packages() -> None:
    """Install the packages into the project's own folder, where npm is present."""
    npm = shutil.which("npm")
    if npm is None:
        return
    NPM_FOLDER.mkdir(parents=True, exist_ok=True)
    # Scripts of packages are not run: none of these needs one, and each is a way in for a package that went bad.
    options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    if _run(npm, "install", "--prefix", str(NPM_FOLDER), *options, *NPM_PACKAGES):
        _stamp(NPM_FOLDER, *NPM_PACKAGES)


def install_azure_identity() -> None:
    """Make the environment that holds Microsoft's own library, in the version that azid is compared with."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(AZURE_IDENTITY_FOLDER))
    _install_azure_identity(AZURE_IDENTITY_FOLDER)


def install_libsecret() -> None:
    """Make an environment of the system's Python that holds Microsoft's own library and can load libsecret."""
    install_debian_packages(*LIBSECRET_PACKAGES)
    if SYSTEM_PYTHON.exists() and _run(str(SYSTEM_PYTHON), "-c", "import gi; gi.require_version('Secret', '1')"):
        _run(str(SYSTEM_PYTHON), "-m", "venv", "--without-pip", "--system-site-packages", str(LIBSECRET_FOLDER))
        _install_azure_identity(LIBSECRET_FOLDER)


def main() -> None:
    if not CHROMIUM.locate():
        install_debian_packages("chromium")
    if not REDIS_SERVER.locate():
        install_debian_packages("redis-server")
    if not all(part.locate() for part in (AZURITE, OIDC_PROVIDER, MSAL_NODE, AXE)):
        install_npm_packages()
    if not AZURE_IDENTITY.locate():
        install_azure_identity()
    if sys.platform == "linux" and not GNOME_KEYRING.locate():
        install_debian_packages(*KEYRING_PACKAGES)
    if sys.platform == "linux" and (missing := [name for name, part in COMMANDS.items() if not part.locate()]):
        install_debian_packages(*missing)
    if sys.platform == "linux" and not LIBSECRET.locate():
        install_libsecret()
    for part in PARTS + (LINUX_PARTS if sys.platform == "linux" else ()):
        if not part.locate():
            print(f"{part.name} is missing, and what needs it is skipped: {part.remedy}", file=sys.stderr)


def _install_azure_identity(environment: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", str(environment), "--disable-pip-version-check")
    if _run(*pip, "install", "--quiet", "--constraint", "constraints.txt", "--group", "azure-identity"):
        _stamp(environment, *_azure_identity_inputs())


def _azure_identity_inputs() -> tuple[str, ...]:
    return tuple((ROOT / name).read_text(encoding="utf-8") for name in ("constraints.txt", "pyproject.toml"))


def _run(*command: str) -> bool:
    print("+", *command, flush=True)
    return subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL).returncode == 0


def _stamped(folder: Path, *inputs: str) -> bool:
    stamp = folder / ".installed-from"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == "\n".join(inputs)


def _stamp(folder: Path, *inputs: str) -> None:
    (folder / ".installed-from").write_text("\n".join(inputs), encoding="utf-8")


if __name__ == "__main__":
    main()
