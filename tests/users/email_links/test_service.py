"""What the links in e-mails do, and which tokens they take."""

from collections.abc import Callable
from functools import partial

import pytest

from shared.contracts.directory import UserNotFound
from shared.errors import Unauthenticated
from tests.support.aws import before_next
from tests.users.builders import NEW_PASSWORD, PASSWORD, SOURCE
from tests.users.service import Service, caller, made_by
from users.accounts.errors import EmailTaken
from users.accounts.models import User
from users.email_tokens.errors import BadToken
from users.login_throttle.errors import TooManyAttempts
from users.sessions.errors import BadCredentials


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


def asked_to_move(service: Service, user: User, email: str) -> str:
    """The token in the e-mail to the new address."""
    service.change(user, email=email)
    return service.token(user)


def moved(service: Service, user: User, email: str) -> str:
    """Move a confirmed account; the token in the e-mail to the former address."""
    service.email_links.confirm(asked_to_move(service, user, email))
    return service.token(user)


@pytest.fixture
def confirmed(service: Service) -> User:
    user = service.customer(email="first@example.com")
    service.email_links.confirm(service.token(user))
    return service.stored(user)


def test_confirmation_of_a_new_address_moves_the_account_and_tells_the_former_one(
    service: Service, confirmed: User
) -> None:
    token = asked_to_move(service, confirmed, "second@example.com")
    service.email_links.confirm(token)
    after = service.stored(confirmed)
    assert (after.email, after.pending_email) == ("second@example.com", None)
    event = service.events(confirmed)[-1]
    assert event.data.pop("sealed_token")
    told = {"user_id": confirmed.id, "email": "first@example.com", "purpose": "changed"}
    assert event.data == told
    with pytest.raises(BadToken):
        service.email_links.confirm(token)


def test_address_that_was_never_confirmed_is_told_nothing_and_cannot_be_restored(
    service: Service,
) -> None:
    user = service.customer()
    moved(service, user, "second@example.com")
    after = service.stored(user)
    assert (after.email, after.email_confirmed) == ("second@example.com", True)
    assert service.event_types(user) == ["user.registered", "user.email_requested"]
    assert after.former_emails == ()


def give_another_password(service: Service, user: User) -> None:
    service.change(user, password=NEW_PASSWORD)


def ask_for_a_third(service: Service, user: User) -> None:
    service.change(user, email="third@example.com")


def register_another(service: Service, _user: User) -> None:
    service.customer(email="second@example.com")


@pytest.mark.parametrize(
    "meanwhile",
    [
        give_another_password,
        ask_for_a_third,
        register_another,
        Service.deactivate,
        Service.erase,
        lambda service, user: service.clock.advance(hours=24),
    ],
)
def test_token_of_a_new_address_is_void_after_other_changes_and_a_day(
    service: Service, confirmed: User, meanwhile: Callable[[Service, User], object]
) -> None:
    token = asked_to_move(service, confirmed, "second@example.com")
    meanwhile(service, confirmed)
    with pytest.raises(BadToken):
        service.email_links.confirm(token)
    assert service.stored(confirmed).email != "second@example.com"


def test_confirmation_is_void_when_the_account_has_another_address(service: Service) -> None:
    user = service.customer()
    first = service.token(user)
    moved(service, user, "second@example.com")
    with pytest.raises(BadToken):
        service.email_links.confirm(first)


def test_undo_brings_the_account_back_and_ends_its_sessions(
    service: Service, confirmed: User
) -> None:
    undo = moved(service, confirmed, "second@example.com")
    pending = asked_to_move(service, service.stored(confirmed), "third@example.com")
    service.clock.advance(hours=23)
    before = service.stored(confirmed)
    service.email_links.confirm(undo)
    after = service.stored(confirmed)
    assert (after.email, after.email_confirmed) == ("first@example.com", True)
    assert after.session_epoch == before.session_epoch + 1
    for token in (undo, pending):
        with pytest.raises(BadToken):
            service.email_links.confirm(token)
    assert service.users.find_by_email("first@example.com") == after
    assert service.users.find_by_email("second@example.com") is None


def test_undo_cannot_be_prevented_by_who_has_taken_the_account(
    service: Service, confirmed: User
) -> None:
    undo = moved(service, confirmed, "thief@example.com")
    with pytest.raises(EmailTaken):
        service.customer(email="first@example.com")
    thiefs = moved(service, confirmed, "thief-2@example.com")
    give_another_password(service, service.stored(confirmed))
    service.email_links.confirm(thiefs)
    service.deactivate(service.stored(confirmed))
    service.email_links.confirm(undo)
    assert service.stored(confirmed).email == "first@example.com"


def test_undo_of_a_move_undoes_the_later_ones(service: Service, confirmed: User) -> None:
    first, second = (moved(service, confirmed, f"{name}@example.com") for name in "bc")
    service.email_links.confirm(first)
    with pytest.raises(BadToken):
        service.email_links.confirm(second)
    assert service.stored(confirmed).email == "first@example.com"


def test_undo_is_possible_for_three_days(service: Service, confirmed: User) -> None:
    undo = moved(service, confirmed, "second@example.com")
    service.clock.advance(hours=72)
    with pytest.raises(BadToken):
        service.email_links.confirm(undo)


def test_account_moves_five_times_in_three_days(service: Service, confirmed: User) -> None:
    for number in range(5):
        service.clock.advance(hours=1)  # in which an account causes five e-mails
        moved(service, confirmed, f"{number}@example.com")
    token = asked_to_move(service, confirmed, "more@example.com")
    with pytest.raises(BadToken):
        service.email_links.confirm(token)
    assert service.stored(confirmed).email == "4@example.com"
    service.clock.advance(hours=72)
    moved(service, confirmed, "more@example.com")
    assert len(service.stored(confirmed).former_emails) == 1


def test_token_is_used_once_by_concurrent_requests(service: Service) -> None:
    user = service.customer()
    token = service.token(user)
    before_next(service.table, "transact_write_items", lambda: service.email_links.confirm(token))
    with pytest.raises(BadToken):
        service.email_links.confirm(token)
    assert service.stored(user) == user.confirmed()


def forgot(service: Service, email: str, source: str = SOURCE) -> None:
    service.email_links.send_reset(email=email, source=source)


def reset(service: Service, token: str, source: str = SOURCE) -> None:
    service.email_links.reset(token, password=NEW_PASSWORD, source=source)


def test_reset_sets_a_password_once_and_ends_all_sessions(service: Service) -> None:
    user = service.customer(email="First@example.com")
    for _ in range(5):
        with pytest.raises(BadCredentials):
            service.log_in(user.email, "wrong")
    forgot(service, " first@EXAMPLE.com")
    event, token = service.events(user)[-1], service.token(user)
    assert event.data.pop("sealed_token")
    assert event.data == {"user_id": user.id, "email": user.email, "purpose": "reset"}
    reset(service, token)
    after = service.stored(user)
    assert (after.session_epoch, after.email_confirmed) == (user.session_epoch + 1, True)
    # The wrong passwords before it are forgotten.
    service.log_in(user.email, NEW_PASSWORD)
    with pytest.raises(BadCredentials):
        service.log_in(user.email, PASSWORD)
    with pytest.raises(BadToken):
        reset(service, token)


@pytest.mark.parametrize(
    "meanwhile",
    [
        Service.deactivate,
        Service.erase,
        lambda service, user: service.clock.advance(hours=1),
        lambda service, user: moved(service, user, "second@example.com"),
    ],
)
def test_reset_is_void_after_other_changes_and_an_hour(
    service: Service, confirmed: User, meanwhile: Callable[[Service, User], object]
) -> None:
    forgot(service, confirmed.email)
    token = service.token(confirmed)
    meanwhile(service, confirmed)
    before = service.stored(confirmed)
    with pytest.raises(BadToken):
        reset(service, token)
    assert service.stored(confirmed) == before


def test_thief_of_a_password_cannot_void_a_reset_and_a_reset_voids_the_others(
    service: Service,
) -> None:
    user = service.customer()
    tokens = []
    for _ in range(2):
        forgot(service, user.email)
        tokens.append(service.token(user))
    give_another_password(service, user)
    assert service.stored(user).session_epoch == user.session_epoch + 1
    reset(service, tokens[0])
    service.log_in(user.email, NEW_PASSWORD)
    with pytest.raises(BadToken):
        reset(service, tokens[1])


def test_reader_takes_over_an_address_that_a_stranger_has_registered_and_deactivated(
    service: Service,
) -> None:
    user = service.customer()
    service.deactivate(user)
    forgot(service, user.email)
    reset(service, service.token(user))
    after = service.stored(user)
    assert (after.is_active, after.email_confirmed) == (True, True)
    assert service.users.totals() == {"total": 1, "active": 1}
    service.log_in(user.email, NEW_PASSWORD)


def test_change_of_a_password_that_a_reset_overtakes_is_refused(service: Service) -> None:
    user = service.customer()
    forgot(service, user.email)
    token = service.token(user)
    before_next(service.table, "transact_write_items", lambda: reset(service, token))
    with pytest.raises(Unauthenticated):
        service.change(user, password="the-words-of-a-thief")
    service.log_in(user.email, NEW_PASSWORD)


def test_move_that_an_undo_overtakes_is_refused(service: Service, confirmed: User) -> None:
    undo = moved(service, confirmed, "thief@example.com")
    thief, asked = service.stored(confirmed), len(service.events(confirmed))
    # After the password was compared: then its attempt is forgotten.
    steps = [lambda: None, lambda: None, lambda: service.email_links.confirm(undo)]
    before_next(service.table, "update_item", *steps)
    with pytest.raises(Unauthenticated):
        asked_to_move(service, thief, "thief-2@example.com")
    assert len(service.events(confirmed)) == asked
    assert service.stored(confirmed).pending_email is None


def test_move_that_an_erasure_overtakes_leaves_no_address(
    service: Service, confirmed: User
) -> None:
    steps = [lambda: None, lambda: service.erase(confirmed)]
    before_next(service.table, "transact_write_items", *steps)
    service.change(confirmed, email="new@example.com")
    assert service.stored(confirmed).erased_at
    assert "new@example.com" not in repr([service.stored(confirmed), service.events(confirmed)])


def test_earlier_link_does_not_show_whether_an_address_is_taken(
    service: Service, confirmed: User
) -> None:
    owner = service.customer()
    for email in ("free@example.com", owner.email):
        earlier = asked_to_move(service, confirmed, "mine@example.com")
        service.change(confirmed, email=email)
        with pytest.raises(BadToken):
            service.email_links.confirm(earlier)


def test_token_of_one_kind_does_nothing_of_another(service: Service, confirmed: User) -> None:
    change = asked_to_move(service, confirmed, "second@example.com")
    forgot(service, confirmed.email)
    for refused in (
        partial(reset, service, change),
        partial(service.email_links.confirm, service.token(confirmed)),
    ):
        with pytest.raises(BadToken):
            refused()


def test_forgotten_password_of_every_address_takes_the_same_calls(service: Service) -> None:
    user, gone, busy = service.customer(), service.customer(), service.customer()
    service.email_links.confirm(service.token(gone))
    service.deactivate(gone)
    forgot(service, "first-unknown@example.com")  # writes what later ones read
    for _ in range(5):
        forgot(service, busy.email)
    known = made_by(service, lambda: forgot(service, user.email))
    assert "transact_write_items Update Put Put" in known
    for email in ("unknown@example.com", gone.email, busy.email):
        assert made_by(service, partial(forgot, service, email)) == known
    assert service.event_types(gone)[-1] == "user.deactivated"
    assert len(service.events(busy)) == 1 + 4  # its registration was the first of five e-mails


def test_confirmation_is_sent_again_until_the_address_is_confirmed(service: Service) -> None:
    user, other = service.customer(), service.customer()
    send = service.email_links.send_confirmation
    send(caller(user), user.id, source=SOURCE)
    event = service.events(user)[-1]
    assert event.data.pop("sealed_token")
    assert event.data == {"user_id": user.id, "email": user.email, "purpose": "confirm"}
    with pytest.raises(UserNotFound):
        send(caller(user), other.id, source=SOURCE)
    service.email_links.confirm(service.token(user))
    send(caller(user), user.id, source=SOURCE)
    assert len(service.events(user)) == 2


def test_account_causes_five_e_mails_an_hour(service: Service) -> None:
    user = service.customer()
    for number in range(4):
        service.change(user, email=f"new-{number}@example.com")
    requested = len(service.events(user))
    assert service.change(user, email="new-5@example.com") == service.stored(user)
    with pytest.raises(TooManyAttempts) as refused:
        service.email_links.send_confirmation(caller(user), user.id, source=SOURCE)
    assert len(service.events(user)) == requested
    service.clock.advance(seconds=refused.value.retry_after)
    service.email_links.send_confirmation(caller(user), user.id, source=SOURCE)


def test_address_gets_five_e_mails_a_day_from_all_accounts(service: Service) -> None:
    victim = "victim@example.com"
    users = [service.customer() for _ in range(6)]
    for user in users:
        service.change(user, email=victim)
    assert [service.stored(user).pending_email for user in users] == [victim] * 5 + [None]
    registered = service.customer(email=victim)
    assert service.events(registered)[-1].data["sealed_token"] is None
    service.clock.advance(hours=24)
    service.email_links.send_confirmation(caller(registered), registered.id, source=SOURCE)
    assert service.event_types(registered)[-1] == "user.email_requested"


def test_network_causes_twenty_e_mails_an_hour(service: Service) -> None:
    registered = [service.customer() for _ in range(21)]
    sealed = [service.events(user)[0].data["sealed_token"] for user in registered]
    assert all(sealed[:20])
    assert sealed[20] is None
    # Beyond its limit, a network uses up no limit of others.
    for _ in range(5):
        forgot(service, registered[0].email)
    forgot(service, registered[0].email, source="198.51.100.7")
    assert service.event_types(registered[0])[-1] == "user.email_requested"


def test_registration_of_a_taken_address_uses_up_no_limit_of_its_owner(service: Service) -> None:
    user = service.customer()
    for _ in range(5):
        with pytest.raises(EmailTaken):
            service.customer(email=user.email)
    forgot(service, user.email)
    assert service.event_types(user)[-1] == "user.email_requested"
