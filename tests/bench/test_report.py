"""What is made of the measurements."""

from bench import fanout
from bench.document import _summary
from bench.report import Column, Table, compared, goal


def test_ratios_of_one_round_are_compared_with_the_goal_as_they_are_shown() -> None:
    runs = {
        "ours": {"cpu": [1.0, 4.0, 1.008]},
        "naive": {"cpu": [2.0, 16.0, 2.0]},
        "traced": {"cpu": [900.0, 1400.0, 1000.0]},
    }
    columns = [Column("CPU", "cpu"), Column("÷ naive", "cpu", "naive", 0.5)]
    table = compared("cold", runs, runs, columns, ours=["ours"])
    assert table.rows == (
        ("goal", "", "≤ 0.5"),
        ("ours", "1 (1-4)", "0.50 (0.25-0.50) ✓"),
        ("naive", "2 (2-16)", "1.00 (1.00-1.00)"),
        ("traced", "1,000 (900-1,400)", "450.00 (87.50-500.00)"),
    )


def test_percentiles_are_in_milliseconds() -> None:
    orders = [{"start": 10.0, "end": 10.0 + n / 1000} for n in range(101)]
    assert fanout.figures(orders, "start", "end") == ("50", "99", "100")


def test_goals_of_each_table_are_counted() -> None:
    cold = Table("cold", ("", "÷ naive", "÷ floor"), (("A", "0.5 ✓", "2.0 ✗"), ("B", "0.4 ✓", "")))
    sizes = Table("sizes", ("", "goal", "reached"), (("A", *goal(41, 40)), ("B", *goal(39, 40))))
    parts = Table("parts", ("package", "MB"), (("botocore", "3.7"),))
    assert _summary({"Cold start": [cold], "Size": [sizes, parts]}).rows == (
        ("Cold start", "cold", "2 of 3"),
        ("Size", "sizes", "1 of 2"),
    )
