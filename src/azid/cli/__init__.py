"""The command `azid`: signs people in, prints tokens, lists and signs out accounts, and runs the emulator.

The answer alone goes to standard output, everything else to standard error. What it exits with stands in
`azid.cli.exit_codes`.
"""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the process's arguments, and end the process."""
    if sys.stderr is None:  # closed: click would have errors go to standard output
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    # While modules load next to nothing becomes garbage, and at the end everything goes anyway. To look for it, then
    # and there, takes a fifth of what a cached token does.
    if sys.implementation.name == "cpython":
        gc.set_threshold(100_000)
    try:
        from azid.cli.group import azid  # loads click

        azid(prog_name="azid")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if sys.implementation.name == "cpython":
            gc.freeze()
