"""What the links in e-mails do, and which tokens they take."""

from collections.abc import Callable

import pytest

from tests.users.service import Service
from users.accounts.models import User
from users.email_tokens.errors import BadToken


def test_confirmation_confirms_the_address_once(service: Service) -> None:
    user = service.customer()
    token = service.token(user)
    service.email_links.confirm(token)
    assert service.stored(user) == user.confirmed()
    with pytest.raises(BadToken):
        service.email_links.confirm(token)


def test_confirmation_refuses_an_unknown_and_an_expired_token(service: Service) -> None:
    user = service.customer()
    with pytest.raises(BadToken):
        service.email_links.confirm("x" * 43)
    service.clock.advance(hours=24)
    with pytest.raises(BadToken):
        service.email_links.confirm(service.token(user))
    assert not service.stored(user).email_confirmed


@pytest.mark.parametrize("end", [Service.deactivate, Service.erase])
def test_confirmation_refuses_the_token_of_an_ended_account(
    service: Service, end: Callable[[Service, User], User]
) -> None:
    user = service.customer()
    token = service.token(user)
    end(service, user)
    with pytest.raises(BadToken):
        service.email_links.confirm(token)
