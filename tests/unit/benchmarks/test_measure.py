"""How the benchmarks measure: exponents, the quick run, what lands in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import measure

GROWTH = [
    ([1, 10, 100], [2, 20, 200], 1.0),
    ([1, 10, 100], [3, 3, 3], 0.0),
    ([10, 100], [1, 100], 2.0),
    ([5, 50, 500], [7, 70 / 10**0.5, 70], 0.5),
]


@pytest.mark.parametrize(("sizes", "costs", "power"), GROWTH)
def test_the_exponent_is_the_power_of_the_size(
    sizes: list[float], costs: list[float], power: float
) -> None:
    assert measure.exponent(sizes, costs) == pytest.approx(power)


def test_one_size_has_no_exponent() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        measure.exponent([10, 10], [1, 2])


def test_a_quick_run_is_small_and_writes_nothing() -> None:
    options = measure.arguments("x").parse_args(["--rounds", "9", "--write", "--quick"])
    assert (options.quick, options.rounds, options.scale, options.write) == (True, 1, 0.05, False)
    assert measure.arguments("x").parse_args([]).quick is False


def test_every_table_of_the_readme_has_its_place(tmp_path: Path) -> None:
    """Each script that writes one finds its marks, and only what is between them changes."""
    document = measure.README.read_text(encoding="utf-8")
    for name in ("refresh", "workbook", "air", "rail", "queries", "growth", "spark"):
        copy = tmp_path / f"{name}.md"
        copy.write_text(document, encoding="utf-8")
        measure.write(name, "| new |", copy)
        changed = copy.read_text(encoding="utf-8")
        before, mark, rest = changed.partition(f"<!-- begin {name} -->")
        assert mark and document.startswith(before)
        body, mark, after = rest.partition(f"<!-- end {name} -->")
        assert mark and "| new |" in body and document.endswith(after)
    with pytest.raises(KeyError, match="no marks"):
        measure.write("nothing", "", copy)
