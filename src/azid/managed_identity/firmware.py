"""What the firmware tells: whether this may be one of Azure's virtual machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

__all__ = ["may_be_azure"]

_MAKER: Final = "Microsoft Corporation"
_LINUX_MAKER: Final = Path("/sys/class/dmi/id/sys_vendor")
"""SMBIOS's maker of the system (DSP0134 section 7.2). Containers see their host's."""
_WINDOWS_MAKER: Final = (r"HARDWARE\DESCRIPTION\System\BIOS", "SystemManufacturer")


def may_be_azure(platform: str = sys.platform, linux_maker: Path = _LINUX_MAKER) -> bool:
    """Return whether the firmware says Microsoft, or does not let itself be asked.

    Azure's virtual machines have such a firmware, and their containers see it; so have Hyper-V's, and some notebooks.

    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param linux_maker: the file in which Linux shows the firmware's maker.
    """
    if platform == "darwin":  # no cloud of Microsoft's has Macs
        return False
    if platform == "win32":
        return _windows_maker() in (None, _MAKER)
    try:
        return linux_maker.read_text(encoding="ascii", errors="replace").strip() == _MAKER
    except FileNotFoundError:  # as under Windows (WSL), on small boards, and in other clouds' small machines
        return False
    except OSError:
        return True


def _windows_maker() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    path, name = _WINDOWS_MAKER
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            return str(winreg.QueryValueEx(key, name)[0])
    except OSError:
        return None
