"""What every measurement is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.worker import Worker

if TYPE_CHECKING:
    from benchmarks.authority import CannedAuthority

__all__ = ["Bench"]


@dataclass(frozen=True)
class Bench:
    """Both libraries, and the authority that both speak to."""

    azid: Worker
    azure_identity: Worker
    authority: CannedAuthority

    @property
    def workers(self) -> tuple[Worker, Worker]:
        """Whose turn it is, in order."""
        return self.azid, self.azure_identity

    @property
    def reach(self) -> dict[str, str]:
        """How a worker reaches the authority: the first arguments of a library's credentials."""
        return {"host": self.authority.host, "ca_file": self.authority.ca_file}
