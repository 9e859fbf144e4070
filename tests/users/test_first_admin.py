"""The tool that makes the first admin."""

import pytest

from tests.users.builders import a_user
from tests.users.fakes import InMemoryUsers
from tests.users.service import Service
from tools.first_admin import main, make_admin
from tools.progress import Problem


def test_make_admin_changes_a_registered_user_once(service: Service) -> None:
    user = service.customer(email="ada@example.com")
    assert "is an admin now" in make_admin(service.users, " ADA@example.com")
    assert (service.stored(user).role, service.stored(user).version) == ("admin", 2)
    assert "already" in make_admin(service.users, "ada@example.com")
    assert service.stored(user).version == 2


@pytest.mark.parametrize(
    ("email", "problem"), [("ada@example.com", "is not registered"), ("", "EMAIL=")]
)
def test_make_admin_refuses_a_missing_user(email: str, problem: str) -> None:
    with pytest.raises(Problem, match=problem):
        make_admin(InMemoryUsers(), email)


def test_make_admin_refuses_an_inactive_account(service: Service) -> None:
    user = service.customer()
    service.deactivate(user)
    with pytest.raises(Problem, match="deactivated"):
        make_admin(service.users, user.email)


def test_make_admin_keeps_a_concurrent_change(service: Service) -> None:
    user = service.customer()
    service.users.rivals = [user.changed(full_name="Other")]
    with pytest.raises(Problem, match="try again"):
        make_admin(service.users, user.email)
    assert service.stored(user).role == "customer"


def test_main_prints_the_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", "nowhere", "--email", a_user().email]) == 1
    assert "nowhere is none of ENV=dev, ENV=prod." in capsys.readouterr().err
