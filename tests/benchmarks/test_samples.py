"""Medians, spreads and ratios of what was measured."""

from __future__ import annotations

from benchmarks.samples import sample


def test_shows_the_median_and_the_quartiles_in_a_unit() -> None:
    assert sample([0.001, 0.002, 0.003, 0.004, 0.005]).show(1e-3) == "3.00 (2.00 to 4.00)"


def test_shows_three_significant_digits() -> None:
    assert sample([1234.5]).show() == "1,234 (1,234 to 1,234)"
    assert sample([12.345]).show() == "12.3 (12.3 to 12.3)"
    assert sample([99.97]).show() == "100 (100 to 100)"
    assert sample([-33.915]).show() == "-33.9 (-33.9 to -33.9)"


def test_tells_a_ratio_just_above_its_target_from_one_that_meets_it() -> None:
    assert sample([1.153]).show() == "1.153 (1.153 to 1.153)"


def test_shows_a_count_with_its_range() -> None:
    assert sample([1, 50, 3]).show_range() == "3 (1 to 50)"


def test_a_ratio_is_taken_pair_by_pair() -> None:
    assert sample([2, 40, 6]).over(sample([1, 10, 3])).values == (2, 4, 2)
