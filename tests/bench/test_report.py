"""What is made of the measurements."""

from bench import fanout
from bench.report import Column, compared


def test_goal_is_reached_or_missed_only_when_all_rounds_agree() -> None:
    runs = {
        "ours": {"cpu": [1.008, 4.0, 1.008]},
        "near": {"cpu": [0.9, 7.9, 1.2]},
        "naive": {"cpu": [2.0, 16.0, 2.0]},
        "slow": {"cpu": [900.0, 1400.0, 1000.0]},
    }
    columns = [Column("CPU", "cpu"), Column("÷ naive", "cpu", "naive", 0.5)]
    table = compared("cold", runs, runs, columns, ours=["ours", "near", "slow"])
    assert table.rows == (
        ("goal", "", "≤ 0.5"),
        ("ours", "1 (1-4)", "0.50 (0.25-0.50) ✓"),
        ("near", "1 (1-8)", "0.49 (0.45-0.60) ~"),
        ("naive", "2 (2-16)", "1.00 (1.00-1.00)"),
        ("slow", "1,000 (900-1,400)", "450.00 (87.50-500.00) ✗"),
    )


def test_percentiles_are_in_milliseconds() -> None:
    orders = [{"start": 10.0, "end": 10.0 + n / 1000} for n in range(101)]
    assert fanout.figures(orders, "start", "end") == ("50", "99", "100")
