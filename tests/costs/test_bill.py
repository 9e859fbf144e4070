"""`make bill` names in one sentence what it cannot compute."""

import re
from pathlib import Path

import pytest

from tests.costs import bill, pricing
from tests.costs.profile import PROFILE, Profile
from tools.progress import Problem


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("", []),
        ("0", [0]),
        ("5000  20000", [5_000, 20_000]),
        ("1,000,000", [1_000_000]),
        ("1_000 2,000", [1_000, 2_000]),
    ],
)
def test_orders_are_separated_by_spaces(text: str, orders: list[int]) -> None:
    assert bill.numbers(text) == orders


@pytest.mark.parametrize(
    "text", ["abc", "1e6", "-5", "1.5", "1000,100000", "1,000_000", "5 x", "²", "9" * 20, "9" * 12]
)
def test_what_is_no_number_of_orders_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="orders") as refused:
        bill.main([f"--orders={text}"])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("reeds = 60", "reeds is no key of a profile"),
        ("reads = -1", "reads must be a number from 0"),
        ("reads = nan", "reads must be a number from 0"),
        ("reads = true", "reads must be a number from 0"),
        ('lists = "many"', "lists must be a number from 0"),
        ("cdn_seconds = inf", "cdn_seconds must be a number from 0"),
        ("lines = 0", "lines must be a whole number from 1 to 50"),
        ("lines = 51", "lines must be a whole number from 1 to 50"),
        ("lines = 2.0", "lines must be a whole number from 1 to 50"),
        ("lines = true", "lines must be a whole number from 1 to 50"),
        ("products = 2", "products must be at least 3"),
        ("products = 0", "products must be a whole number from 1"),
        ("description = 5001", "description must be a whole number from 0 to 5,000"),
        ("cdn_caches = 0", "cdn_caches must be a whole number from 1"),
        ("queries = 0", "queries must be a whole number from 1"),
        ('cdn = "always"', 'cdn must be true, false or "auto"'),
        ("cdn = 1", 'cdn must be true, false or "auto"'),
        ('firewall = "waf"', "firewall must be true or false"),
        ("firewall = 1", "firewall must be true or false"),
        ("monitoring = 1", "monitoring must be true or false"),
        ("gradual = 1", "gradual must be true or false"),
        ("reads = ", "is no TOML"),
        ("[lines]", "lines must be a whole number"),
    ],
)
def test_profile_that_no_shop_has_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(content)
    with pytest.raises(Problem, match=re.escape(expected)) as refused:
        bill.main([f"--profile={file}"])
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "shop.toml"
    binary.write_bytes(b"\xff")
    for file, expected in (
        (tmp_path / "none.toml", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (binary, "is no TOML"),
    ):
        with pytest.raises(Problem, match=expected):
            Profile.read(file)


def test_profile_leaves_out_what_is_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("reads = 7\ncdn = false\nlines = 50\nproducts = 50\ndescription = 0")
    usual, own = Profile.read(PROFILE), Profile.read(file)
    assert (own.reads, own.cdn, own.lines, own.lists) == (7, False, 50, usual.lists)


def test_bill_of_an_idle_shop_has_what_full_monitoring_costs(tmp_path: Path) -> None:
    full = tmp_path / "shop.toml"
    full.write_text("monitoring = true")
    usd = [pricing.total(bill.monitoring(Profile.read(file))) for file in (PROFILE, full)]
    # 13 and 29 alarms, four incidents and a dashboard.
    assert usd == pytest.approx([1.30, 7.90])
