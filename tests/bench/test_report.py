"""What is made of the measurements."""

import pytest

from bench import cold, fanout
from bench.document import summary
from bench.environment import Spent
from bench.report import NO, YES, Table, goal, reached, spread
from bench.starts import Runs


@pytest.mark.parametrize(("figure", "word"), [(0.5, YES), (0.504, YES), (0.51, NO)])
def test_goal_is_reached_by_the_figure_as_it_is_shown(figure: float, word: str) -> None:
    assert goal(figure, 0.5) == ("≤ 0.5", word)
    assert reached(figure, 0.5).endswith("✓" if word == YES else "✗")


def test_ratio_is_of_the_runs_of_one_round() -> None:
    assert cold.ratios([1.0, 4.0], [2.0, 16.0]) == [0.5, 0.25]
    assert Spent(0.75, 3.0).since(Spent(0.25, 1.0)) == Spent(0.5, 2.0)
    assert Runs(instructions=3).instructions_against(Runs(instructions=4)) == 0.75
    assert Runs(instructions=3).instructions_against(Runs()) is None


def test_figures_are_medians_with_their_extremes() -> None:
    assert spread([1400.0, 900.0, 1000.0], "ms") == "1,000 (900-1,400) ms"
    orders = [{"start": 10.0, "end": 10.0 + n / 1000} for n in range(101)]
    assert fanout.figures(orders, "start", "end") == ("50", "99", "100")


def test_goals_of_each_table_are_counted() -> None:
    cold = Table("cold", ("", "÷ naive", "÷ floor"), (("A", "0.5 ✓", "2.0 ✗"), ("B", "0.4 ✓", "")))
    sizes = Table("sizes", ("", "goal", "reached"), (("A", *goal(41, 40)), ("B", *goal(39, 40))))
    parts = Table("parts", ("package", "MB"), (("botocore", "3.7"),))
    assert summary({"Cold start": [cold], "Size": [sizes, parts]}).rows == (
        ("Cold start", "cold", "2 of 3"),
        ("Size", "sizes", "1 of 2"),
    )
