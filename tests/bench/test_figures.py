"""What is made of the measurements."""

from pathlib import Path

from bench import cold, size
from bench.environment import Spent
from bench.starts import Runs


def test_a_ratio_is_of_the_runs_of_one_round() -> None:
    assert cold.ratios([1.0, 4.0], [2.0, 16.0]) == [0.5, 0.25]


def test_the_first_answer_counts_from_when_the_function_was_ready() -> None:
    assert Spent(0.75, 3.0).since(Spent(0.25, 1.0)) == Spent(0.5, 2.0)


def test_instructions_are_compared_only_where_both_were_counted() -> None:
    assert Runs(instructions=3).instructions_against(Runs(instructions=4)) == 0.75
    assert Runs(instructions=3).instructions_against(Runs()) is None


def test_the_packages_of_a_layer_make_up_all_of_it(tmp_path: Path) -> None:
    for name, length in {
        "boto3/session.pyc": 5,
        "boto3/data/s3.json": 7,
        "boto3-1.2.dist-info/METADATA": 3,
        "six-1.dist-info/METADATA": 1,
        "six.pyc": 2,
        "_cffi.cpython-313.so": 4,
    }.items():
        file = tmp_path / "python" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(length))
    sizes = size.by_package(tmp_path / "python")
    assert sizes == {"boto3": 12, "metadata (dist-info)": 4, "six": 2, "_cffi": 4}
    assert sizes.total() == size.size(tmp_path)
