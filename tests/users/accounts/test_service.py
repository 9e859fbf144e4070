"""What may be done with accounts, by whom, and which events it emits."""

from collections.abc import Callable

import pytest

from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.errors import Forbidden, ServiceUnavailable, Unauthenticated
from tests.support.aws import before_next
from tests.users.builders import NEW_PASSWORD, PASSWORD, SOURCE
from tests.users.service import Service, caller, made_by
from users.accounts.errors import CurrentPasswordRequired, LastAdmin
from users.accounts.models import ActiveCaller, User
from users.login_throttle.errors import TooManyAttempts


def test_register_stores_an_active_customer_with_its_event(service: Service) -> None:
    user = service.customer(email="alice@example.com", full_name="Alice")
    assert service.stored(user) == user
    assert (user.role, user.is_active, user.email_confirmed) == ("customer", True, False)
    assert user.created_at == "2026-11-20T12:00:01.000Z"
    assert user.password_hash == service.passwords.hash(PASSWORD)
    [event] = service.events(user)
    assert (event.id, event.type, event.version) == (f"{user.id}.1", "user.registered", 1)
    names = {"user_id": user.id, "full_name": "Alice", "email": "alice@example.com"}
    sealed = event.data.pop("sealed_token")
    assert event.data == names
    assert len(service.sealer.opened(sealed, user_id=user.id)) == 43


def test_active_caller_has_the_account_and_its_role(service: Service) -> None:
    for user in (service.customer(), service.admin()):
        expected = ActiveCaller(user.id, user.role, user.session_epoch, account=user)
        assert service.accounts.require_active(caller(user)) == expected


def test_caller_is_refused_when_the_sessions_have_ended(service: Service) -> None:
    user = service.customer()
    service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)
    with pytest.raises(Unauthenticated) as refused:
        service.accounts.require_active(caller(user))
    assert refused.value.data == {"reason": "ended"}
    after = service.stored(user)
    assert service.accounts.require_active(caller(after)).account == after


@pytest.mark.parametrize("end", [Service.deactivate, Service.erase])
def test_inactive_and_missing_callers_are_refused(
    service: Service, end: Callable[[Service, User], User]
) -> None:
    user = service.customer()
    end(service, user)
    for refused in (caller(user), Caller("nobody", "admin")):
        with pytest.raises(Unauthenticated):
            service.accounts.require_active(refused)


def test_account_of_another_user_looks_like_a_missing_one(service: Service) -> None:
    alice, bob, admin = service.customer(), service.customer(), service.admin()
    for by in (alice, admin):
        assert service.accounts.get(caller(by), alice.id) == alice
    for by, user_id in ((alice, bob.id), (alice, "nobody"), (admin, "nobody")):
        with pytest.raises(UserNotFound):
            service.accounts.get(caller(by), user_id)
    with pytest.raises(UserNotFound):
        service.change(alice, bob, full_name="Taken Over")
    for use_case in (service.deactivate, service.erase):
        with pytest.raises(UserNotFound):
            use_case(bob, alice)
    assert service.stored(bob) == bob


def test_only_admins_list_users_and_change_roles_and_activity(service: Service) -> None:
    user = service.customer()
    with pytest.raises(Forbidden):
        service.accounts.list(caller(user), active=None, limit=2, after=None)
    changes: list[dict[str, object]] = [{"role": "customer"}, {"is_active": True}]
    for change in changes:
        with pytest.raises(Forbidden):
            service.change(user, **change)


def test_admin_changes_name_role_and_activity_of_an_account(service: Service) -> None:
    admin, user = service.admin(), service.customer()
    after = service.change(admin, user, full_name="A", role="admin", is_active=False)
    assert service.stored(user) == after
    assert (after.full_name, after.role, after.is_active) == ("A", "admin", False)
    for values in ({"password": NEW_PASSWORD}, {"email": "mine@example.com"}):
        with pytest.raises(Forbidden):
            service.change(admin, user, **values)
    assert service.stored(user) == after


def test_change_without_a_difference_writes_nothing(service: Service) -> None:
    user = service.customer()
    assert service.change(user, full_name=user.full_name) == user
    assert service.change(user) == user
    assert service.stored(user).version == 1


def test_change_is_applied_to_what_a_concurrent_request_stored(service: Service) -> None:
    user = service.customer()
    rival = user.changed(full_name="Rival")
    before_next(service.table, "transact_write_items", lambda: service.users.save(user, rival))
    after = service.change(user, password=NEW_PASSWORD)
    assert after == service.stored(user)
    assert (after.full_name, after.version) == ("Rival", 3)
    assert after.password_hash == service.passwords.hash(NEW_PASSWORD)


def test_change_gives_up_when_it_loses_every_race(service: Service) -> None:
    user = service.customer()

    def rename() -> None:
        current = service.stored(user)
        service.users.save(current, current.changed(full_name=f"{current.full_name}!"))

    before_next(service.table, "transact_write_items", *[rename] * 5)
    with pytest.raises(ServiceUnavailable):
        service.change(user, password=NEW_PASSWORD)


@pytest.mark.parametrize(
    "takeover",
    [
        lambda service, admin, user, password: service.change(
            user, password=NEW_PASSWORD, current_password=password
        ),
        lambda service, admin, user, password: service.change(
            user, email="new@example.com", current_password=password
        ),
        lambda service, admin, user, password: service.accounts.erase(
            caller(user), user.id, source=SOURCE, current_password=password
        ),
        lambda service, admin, user, password: service.change(
            admin, user, role="admin", current_password=password
        ),
        lambda service, admin, user, password: service.change(
            admin, user, is_active=False, current_password=password
        ),
    ],
    ids=["password", "email", "erasure", "role", "activity"],
)
def test_access_token_alone_takes_no_account_over(
    service: Service, takeover: Callable[..., object]
) -> None:
    admin, user = service.admin(), service.customer()
    for password, refusal in ((None, CurrentPasswordRequired), ("wrong", Forbidden)):
        with pytest.raises(refusal):
            takeover(service, admin, user, password)
    assert service.stored(user) == user
    takeover(service, admin, user, PASSWORD)
    assert service.stored(user) != user


def test_what_takes_no_account_over_needs_no_password_but_no_wrong_one(service: Service) -> None:
    admin, user = service.admin(), service.customer()
    for by in (user, admin):
        with pytest.raises(Forbidden):
            service.change(by, user, full_name="Wrong", current_password="wrong")
        after = service.change(by, user, full_name=by.id, current_password=None)
        assert after.full_name == by.id
    same = user.email.upper()
    assert service.change(user, email=same, current_password=None).email == user.email
    service.accounts.erase(caller(admin), user.id, source=SOURCE, current_password=None)


def test_new_address_gets_a_link_and_the_account_keeps_its_own(service: Service) -> None:
    user = service.customer()
    assert service.change(user, email="new@example.com") == user.moving_to("new@example.com")
    after = service.stored(user)
    assert (after.email, after.pending_email) == (user.email, "new@example.com")
    event = service.events(user)[-1]
    assert (event.id, event.type) == (f"{user.id}.3", "user.email_requested")
    assert event.data.pop("sealed_token")
    assert event.data == {"user_id": user.id, "email": "new@example.com", "purpose": "change"}


def test_taken_address_is_told_to_its_owner_alone(service: Service) -> None:
    user, owner = service.customer(), service.customer(email="taken@example.com")
    after = service.change(user, email="Taken@example.com")
    assert after == user.moving_to("Taken@example.com") == service.stored(user)
    event = service.events(owner)[-1]
    assert (event.id, event.type) == (f"{owner.id}.2", "user.email_requested")
    told = {"user_id": owner.id, "email": "Taken@example.com", "purpose": "taken"}
    assert event.data == {**told, "sealed_token": None}


def test_request_of_a_taken_address_makes_the_calls_of_a_free_one(service: Service) -> None:
    user, owner = service.customer(), service.customer()
    service.users.find_by_email("first-unknown@example.com")  # writes what later ones read
    free = made_by(service, lambda: service.change(user, email="free@example.com"))
    assert made_by(service, lambda: service.change(user, email=owner.email)) == free


def test_guessing_the_current_password_is_throttled(service: Service) -> None:
    user = service.customer()
    for _ in range(5):
        with pytest.raises(Forbidden):
            service.change(user, password=NEW_PASSWORD, current_password="wrong")
    with pytest.raises(TooManyAttempts):
        service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)
    service.clock.advance(seconds=2)
    for password, current in ((NEW_PASSWORD, PASSWORD), (PASSWORD, NEW_PASSWORD)):
        user = service.change(user, password=password, current_password=current)


def test_deactivation_is_done_once_and_an_admin_can_undo_it(service: Service) -> None:
    admin, user = service.admin(), service.customer()
    for _ in range(2):
        service.deactivate(user, admin)
    assert not service.stored(user).is_active
    service.change(admin, user, is_active=True)
    assert service.stored(user).is_active
    assert service.event_types(user) == ["user.registered", "user.deactivated"]
    assert service.events(user)[-1].version == 2


def test_erasure_is_done_once_and_overwrites_earlier_events(service: Service) -> None:
    admin = service.admin()
    user = service.customer(email="ann@example.com", full_name="Ann Onymous")
    service.deactivate(user)
    erased = service.erase(user, admin)
    service.clock.advance(hours=1)
    assert service.erase(user, admin) == erased == service.stored(user)
    assert service.deactivate(user, admin) == erased
    assert erased.erased_at == "2026-11-20T12:00:02.000Z"
    assert service.event_types(user) == ["user.registered", "user.deactivated", "user.erased"]
    events = service.events(user)
    assert (events[-1].id, events[-1].data) == (f"{user.id}.3", {"user_id": user.id})
    assert user.email not in repr(events)


ENDS: list[Callable[[Service, User, User], object]] = [
    lambda service, by, user: service.change(by, user, role="customer"),
    lambda service, by, user: service.change(by, user, is_active=False),
    lambda service, by, user: service.deactivate(user, by),
    lambda service, by, user: service.erase(user, by),
]


@pytest.mark.parametrize("end", ENDS)
def test_last_active_admin_stays(
    service: Service, end: Callable[[Service, User, User], object]
) -> None:
    first, second = service.admin(), service.admin()
    service.customer()
    end(service, second, second)
    with pytest.raises(LastAdmin):
        end(service, first, first)
    assert service.stored(first) == first
    assert service.change(first, full_name="Still Here").full_name == "Still Here"


@pytest.mark.parametrize("end", ENDS)
def test_one_of_two_admins_stays_who_end_each_other_at_once(
    service: Service, end: Callable[[Service, User, User], object]
) -> None:
    first, second = service.admin(), service.admin()
    before_next(service.table, "transact_write_items", lambda: end(service, second, first))
    with pytest.raises(LastAdmin):
        end(service, first, second)
    assert service.stored(second) == second
    assert not service.stored(first).is_active_admin


def test_admin_of_an_earlier_release_is_listed_with_the_next_change(service: Service) -> None:
    first, second = service.admin(), service.admin()
    for admin in (first, second):
        service.table.delete({"pk": "ADMINS", "sk": admin.id})
    with pytest.raises(LastAdmin):
        service.deactivate(second)
    service.change(first, full_name="Listed")
    service.deactivate(second)
