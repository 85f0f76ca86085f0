"""What the command exits with. 2 is also what every shell command exits with when it was called wrongly."""

from __future__ import annotations

from typing import Final

__all__ = ["FAILED", "INTERRUPTED", "OK", "SIGN_IN_NEEDED", "UNAVAILABLE", "USAGE"]

OK: Final = 0
FAILED: Final = 1
"""It was tried, and failed: the authority refused or was not reached."""
USAGE: Final = 2
"""An option or an argument is unknown, missing or malformed."""
SIGN_IN_NEEDED: Final = 3
"""Nobody is signed in, or a person has to sign in again. `azid login` does that."""
UNAVAILABLE: Final = 4
"""It could not be tried: something is missing on this machine, such as a keyring, a browser or an extra."""
INTERRUPTED: Final = 130
"""Ctrl-C: 128 and the number of the signal, as shells have it."""
