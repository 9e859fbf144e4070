"""What a table says of a goal."""

import pytest

from bench.document import summary
from bench.report import NO, YES, Table, goal, markdown, reached, spread


@pytest.mark.parametrize(("figure", "word"), [(0.5, YES), (0.504, YES), (0.51, NO)])
def test_a_goal_is_reached_by_the_figure_as_it_is_shown(figure: float, word: str) -> None:
    assert goal(figure, 0.5) == ("≤ 0.5", word)


def test_a_ratio_beyond_its_goal_is_marked() -> None:
    assert reached(0.499, 0.5) == "0.50 ✓"
    assert reached(0.51, 0.5) == "0.51 ✗"


def test_a_spread_names_the_median_the_smallest_and_the_largest() -> None:
    assert spread([1400.0, 900.0, 1000.0], "ms") == "1,000 (900-1,400) ms"


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes"):
        Table("sizes", ("package", "MB"), (("botocore",),))


def test_a_table_in_the_document_keeps_its_columns_whatever_a_cell_says() -> None:
    table = Table("sizes", ("package", "MB"), (("a|b", "1.00"),), "All of it.")
    assert markdown("Size", [table]) == (
        "## Size\n\n### sizes\n\n| package | MB |\n| --- | ---: |\n| a\\|b | 1.00 |\n\nAll of it.\n"
    )


def test_the_goals_of_each_table_are_counted() -> None:
    cold = Table("cold", ("", "÷ naive", "÷ floor"), (("A", "0.5 ✓", "2.0 ✗"), ("B", "0.4 ✓", "")))
    sizes = Table("sizes", ("", "goal", "reached"), (("A", *goal(41, 40)), ("B", *goal(39, 40))))
    parts = Table("parts", ("package", "MB"), (("botocore", "3.7"),))
    assert summary({"Cold start": [cold], "Size": [sizes, parts]}).rows == (
        ("Cold start", "cold", "2 of 3"),
        ("Size", "sizes", "1 of 2"),
    )
