"""The tool that makes the first admin."""

import pytest

from tests.users.builders import a_user
from tests.users.fakes import InMemoryUsers
from tests.users.shop import Shop, caller
from tools.first_admin import main, make_admin
from tools.progress import Problem


def test_a_registered_user_becomes_an_admin_once(shop: Shop) -> None:
    user = shop.customer(email="ada@example.com")
    assert "is an admin now" in make_admin(shop.users, " ADA@example.com")
    assert (shop.now(user).role, shop.now(user).version) == ("admin", 2)
    assert "already" in make_admin(shop.users, "ada@example.com")
    assert shop.now(user).version == 2


def test_who_is_not_registered_becomes_none() -> None:
    with pytest.raises(Problem, match="Nobody is registered"):
        make_admin(InMemoryUsers(), "ada@example.com")


def test_an_empty_address_is_asked_for() -> None:
    with pytest.raises(Problem, match="EMAIL="):
        make_admin(InMemoryUsers(), "")


def test_a_deactivated_account_becomes_none(shop: Shop) -> None:
    user = shop.customer()
    shop.accounts.deactivate(caller(user), user.id)
    with pytest.raises(Problem, match="deactivated"):
        make_admin(shop.users, user.email)


def test_a_change_at_the_same_moment_is_not_overwritten(shop: Shop) -> None:
    user = shop.customer()
    shop.users.rivals = [user.changed(full_name="Other")]
    with pytest.raises(Problem, match="try again"):
        make_admin(shop.users, user.email)
    assert shop.now(user).role == "customer"


def test_it_says_what_is_wrong_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", "nowhere", "--email", a_user().email]) == 1
    assert "nowhere is none of ENV=dev, ENV=prod." in capsys.readouterr().err
