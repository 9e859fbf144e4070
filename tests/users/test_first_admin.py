"""The tool that makes the first admin."""

import pytest

from tests.support.aws import before_next
from tests.users.service import Service
from tools.first_admin import describe, main, make_admin
from tools.progress import Problem
from users.accounts.models import User


def test_make_admin_changes_a_registered_user_once(service: Service) -> None:
    user = service.customer(email="ada@example.com")
    assert "is an admin now" in make_admin(service.users, " ADA@example.com")
    assert "already" in make_admin(service.users, "ada@example.com")
    assert (service.stored(user).role, service.stored(user).version) == ("admin", 2)


def test_make_admin_refuses_missing_inactive_and_changing_accounts(service: Service) -> None:
    gone, busy = service.customer(), service.customer()
    service.deactivate(gone)
    renamed = busy.changed(full_name="Other")
    before_next(service.table, "transact_write_items", lambda: service.users.save(busy, renamed))
    for email, problem in (
        ("", "EMAIL="),
        ("nobody@example.com", "is not registered"),
        (gone.email, "deactivated"),
        (busy.email, "try again"),
    ):
        with pytest.raises(Problem, match=problem):
            make_admin(service.users, email)
    assert service.stored(busy).role == "customer"


def test_make_admin_shows_the_account_and_changes_none_without_consent(service: Service) -> None:
    user = service.customer(email="ada@example.com", full_name="Not Ada")
    shown: list[str] = []

    def refuse(found: User) -> bool:
        shown.append(describe(found))
        return False

    assert make_admin(service.users, user.email, agrees=refuse) == "Nothing was changed."
    assert service.stored(user).role == "customer"
    for text in (user.id, "Not Ada", user.created_at, "NOT CONFIRMED"):
        assert text in shown[0]


def test_main_refuses_an_unknown_environment() -> None:
    with pytest.raises(Problem, match=r"nowhere is none of ENV=dev, ENV=prod\."):
        main(["--env", "nowhere", "--email", "ada@example.com"])
