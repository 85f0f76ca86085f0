"""What was measured several times: its median and its spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Sample", "sample"]


@dataclass(frozen=True)
class Sample:
    """Values of one quantity, in the order in which they were taken."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third quartile."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third

    def over(self, base: Sample) -> Sample:
        """Return the ratios to `base`, value by value: both were taken in turn, so the machine's moods cancel out."""
        return Sample(tuple(value / other for value, other in zip(self.values, base.values, strict=True)))

    def show(self, unit: float = 1.0) -> str:
        """Return "median (first quartile to third)" with three significant digits, four from 1 to 2.

        :param unit: how much one of the unit to show is, in the values' own.
        """
        first, third = self.quartiles
        return f"{_three_digits(self.median / unit)} ({_three_digits(first / unit)} to {_three_digits(third / unit)})"

    def show_range(self) -> str:
        """Return "median (least to most)": for counts."""
        return f"{self.median:g} ({min(self.values):g} to {max(self.values):g})"


def sample(values: Iterable[float]) -> Sample:
    """Return `values` as a sample."""
    return Sample(tuple(values))


def _three_digits(value: float) -> str:
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1.9995 else f"{value:.3f}"  # near a ratio's target the third decimal tells
