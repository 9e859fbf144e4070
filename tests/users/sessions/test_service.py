"""Log in, refresh, log out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest

from shared.runtime import metrics
from tests.support.aws import before_next
from tests.users.builders import NEW_PASSWORD, PASSWORD, SOURCE
from tests.users.service import Service
from users.accounts.models import ActiveCaller, User
from users.login_throttle.errors import TooManyAttempts
from users.sessions.errors import BadCredentials, BadRefreshToken, SessionNotFound
from users.sessions.models import RefreshToken, TokenPair


def claims(service: Service, pair: TokenPair) -> dict[str, Any]:
    """The claims of an access token with a valid signature; its times are those of a fake clock."""
    verified: dict[str, Any] = jwt.decode(
        pair.access_token,
        service.signer.public.key,
        algorithms=["ES256"],
        audience="bodega",
        options={"verify_exp": False, "verify_iat": False},
    )
    return verified


def active(user: User) -> ActiveCaller:
    """The caller whom the gate admits."""
    return ActiveCaller(user.id, user.role, user.session_epoch, account=user)


def session_ids(service: Service, user: User) -> list[str]:
    return [session.session_id for session in service.sessions.list(service.stored(user))]


def assert_refused(service: Service, pair: TokenPair) -> None:
    with pytest.raises(BadRefreshToken):
        service.sessions.refresh(pair.refresh_token)


def refresh_cookie(service: Service, pair: TokenPair) -> TokenPair:
    return service.sessions.refresh(pair.refresh_token, is_browser=True)


def assert_cookie_refused(service: Service, pair: TokenPair) -> None:
    with pytest.raises(BadRefreshToken):
        refresh_cookie(service, pair)


def forged(pair: TokenPair) -> list[str]:
    """Texts, and tokens that can be made from the id of a family or from most of a token."""
    family, secret, mac = pair.refresh_token.split(".")
    return [
        "x",
        *(f"{'0' * length}.{'A' * 43}.{'0' * 32}" for length in (32, 64)),
        f"{family[32:]}.{secret}.{mac}",
        f"{family}.{'A' * 43}.{mac}",
        f"{family}.{secret}.{'0' * 32}",
    ]


@pytest.fixture
def user(service: Service) -> User:
    return service.customer(email="Alice@example.com")


@pytest.fixture
def cookie(service: Service, user: User) -> TokenPair:
    return service.sessions.log_in(
        email=user.email, password=PASSWORD, source=SOURCE, is_browser=True
    )


@pytest.fixture
def pair(service: Service, user: User) -> TokenPair:
    return service.log_in(" alice@EXAMPLE.com")


def test_log_in_refusals_look_the_same_whatever_is_wrong(service: Service, user: User) -> None:
    gone = service.customer()
    service.deactivate(gone)
    answers, hashes = set(), []
    for email, password in (
        ("nobody@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        (user.email, "wrong"),
        (gone.email, PASSWORD),
    ):
        with pytest.raises(BadCredentials) as refusal:
            service.log_in(email, password)
        answers.add((refusal.value.status, refusal.value.code, refusal.value.detail))
        hashes.append(service.passwords.compared.pop())
    assert len(answers) == 1
    # Each compared once, so that the time does not show what is wrong either.
    assert hashes == [None, None, *[service.passwords.hash(PASSWORD)] * 2]


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_log_in_is_throttled_before_the_password_is_compared(
    service: Service, user: User, email: str
) -> None:
    for _ in range(5):
        with pytest.raises(BadCredentials):
            service.log_in(email, "wrong")
    compared = len(service.passwords.compared)
    with pytest.raises(TooManyAttempts):
        service.log_in(email)
    assert len(service.passwords.compared) == compared


def test_log_in_forgets_the_wrong_passwords_before_it(service: Service, user: User) -> None:
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(BadCredentials):
                service.log_in(user.email, "wrong")
        service.log_in(user.email)


def test_refresh_gives_the_next_pair(service: Service, user: User, pair: TokenPair) -> None:
    following = service.sessions.refresh(pair.refresh_token)
    assert following.refresh_token != pair.refresh_token
    for given in (pair, following):
        assert claims(service, given)["sub"] == user.id
    service.sessions.refresh(following.refresh_token)


def test_refresh_with_a_spent_token_ends_its_family_alone_and_is_counted(
    service: Service, user: User, pair: TokenPair, capsys: pytest.CaptureFixture[str]
) -> None:
    other = service.log_in(user.email)
    second = service.sessions.refresh(pair.refresh_token)
    metrics.flush()
    capsys.readouterr()
    assert_refused(service, pair)
    metrics.flush()
    assert '"RefreshTokensReused":[1' in capsys.readouterr().out
    assert_refused(service, second)
    service.sessions.refresh(other.refresh_token)


def test_refresh_ends_the_family_when_a_concurrent_one_was_first(
    service: Service, pair: TokenPair
) -> None:
    token = RefreshToken.parse(pair.refresh_token)
    assert token

    def rotate() -> None:
        family = service.families.find(token.family_id)
        assert family
        service.families.rotate(family, replace(family, digest="the rival's next token"))

    before_next(service.credentials, "update_item", rotate)
    assert_refused(service, pair)
    assert service.families.find(token.family_id) is None


def test_browser_that_lost_answers_may_send_its_token_again_for_half_a_minute(
    service: Service, cookie: TokenPair
) -> None:
    first = refresh_cookie(service, cookie)
    service.clock.advance(seconds=29)
    newest = refresh_cookie(service, cookie)
    # The page that has got the first answer, late, goes on too.
    assert newest.refresh_token == first.refresh_token
    service.clock.advance(seconds=1)
    assert_cookie_refused(service, cookie)
    assert_cookie_refused(service, newest)


def test_browser_s_token_before_the_last_two_ends_the_session_at_once(
    service: Service, cookie: TokenPair
) -> None:
    third = refresh_cookie(service, refresh_cookie(service, cookie))
    assert_cookie_refused(service, cookie)
    assert_cookie_refused(service, third)


def test_two_refreshes_of_a_browser_at_once_both_succeed(
    service: Service, cookie: TokenPair
) -> None:
    before_next(service.credentials, "update_item", lambda: refresh_cookie(service, cookie))
    refresh_cookie(service, refresh_cookie(service, cookie))


def test_cookie_s_token_is_unknown_to_the_routes_of_bodies_and_the_reverse(
    service: Service, pair: TokenPair, cookie: TokenPair
) -> None:
    assert_refused(service, cookie)
    assert_cookie_refused(service, pair)
    service.sessions.log_out(cookie.refresh_token)
    service.sessions.log_out(pair.refresh_token, is_browser=True)
    refresh_cookie(service, cookie)
    service.sessions.refresh(pair.refresh_token)


def test_forged_tokens_are_refused_and_end_nothing(service: Service, pair: TokenPair) -> None:
    for text in forged(pair):
        assert_refused(service, TokenPair("", text))
        service.sessions.log_out(text)
    service.sessions.refresh(pair.refresh_token)


def test_family_lives_thirty_days_from_its_log_in(service: Service, pair: TokenPair) -> None:
    service.clock.advance(days=29)
    pair = service.sessions.refresh(pair.refresh_token)
    service.clock.advance(days=1)
    assert_refused(service, pair)


def reactivate(service: Service, user: User) -> None:
    service.change(service.admin(), service.deactivate(user), is_active=True)


def promote(service: Service, user: User) -> None:
    service.users.save(user, user.changed(role="admin"))


def log_out_everywhere(service: Service, user: User) -> None:
    service.sessions.log_out_everywhere(active(user))


def set_password(service: Service, user: User) -> None:
    service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)


@pytest.mark.parametrize("end", [reactivate, promote, set_password, log_out_everywhere])
def test_change_of_who_may_log_in_ends_all_families(
    service: Service, user: User, end: Callable[[Service, User], None]
) -> None:
    pairs = [service.log_in(user.email), service.log_in(user.email)]
    end(service, user)
    for pair in pairs:
        assert_refused(service, pair)


def test_token_stays_valid_when_signing_fails(service: Service, pair: TokenPair) -> None:
    service.signer.is_away = True
    with pytest.raises(ConnectionError):
        service.sessions.refresh(pair.refresh_token)
    service.signer.is_away = False
    service.sessions.refresh(pair.refresh_token)


def test_log_out_ends_its_family_alone_also_with_a_spent_token(
    service: Service, user: User, pair: TokenPair
) -> None:
    other = service.log_in(user.email)
    second = service.sessions.refresh(pair.refresh_token)
    for _ in range(2):
        service.sessions.log_out(pair.refresh_token)
    assert_refused(service, second)
    service.sessions.refresh(other.refresh_token)


def test_access_tokens_name_their_session(service: Service, user: User, pair: TokenPair) -> None:
    second = service.log_in(user.email)
    first, following = claims(service, pair), service.sessions.refresh(pair.refresh_token)
    assert session_ids(service, user) == [claims(service, second)["sid"], first["sid"]]
    assert claims(service, following)["sid"] == first["sid"]


def test_sessions_are_listed_newest_first_until_they_end_or_expire(
    service: Service, user: User, pair: TokenPair
) -> None:
    service.clock.advance(days=1)
    second = service.log_in(user.email, client="curl")
    service.log_in(service.customer().email)
    service.clock.advance(days=1)
    service.sessions.refresh(pair.refresh_token)
    newest, oldest = service.sessions.list(user)
    assert (newest.created_at, newest.last_used_at, newest.client) == (
        *["2026-11-21T12:00:01.000Z"] * 2,
        "curl",
    )
    assert (oldest.created_at, oldest.last_used_at) == (
        "2026-11-20T12:00:01.000Z",
        "2026-11-22T12:00:02.000Z",
    )
    service.sessions.log_out(second.refresh_token)
    assert session_ids(service, user) == [oldest.session_id]
    service.clock.advance(days=28)
    assert session_ids(service, user) == []


def test_sessions_of_an_earlier_epoch_are_not_listed(service: Service, user: User) -> None:
    service.log_in(user.email)
    log_out_everywhere(service, user)
    assert session_ids(service, user) == []
    service.log_in(user.email)
    assert len(session_ids(service, user)) == 1


def test_end_ends_one_session_of_the_user_alone(
    service: Service, user: User, pair: TokenPair
) -> None:
    service.clock.advance(seconds=1)
    other = service.log_in(user.email)
    _, oldest = session_ids(service, user)
    stranger = service.customer()
    for by, session_id in ((stranger, oldest), (user, "0" * 32), (user, "x"), (user, "")):
        with pytest.raises(SessionNotFound):
            service.sessions.end(by, session_id)
    service.sessions.end(user, oldest)
    assert_refused(service, pair)
    service.sessions.refresh(other.refresh_token)
    with pytest.raises(SessionNotFound):
        service.sessions.end(user, oldest)


def test_log_out_everywhere_leaves_an_account_that_has_ended_its_sessions_meanwhile(
    service: Service, user: User
) -> None:
    before_next(service.table, "transact_write_items", lambda: service.erase(user))
    log_out_everywhere(service, user)
    assert service.event_types(user) == ["user.registered", "user.erased"]
    assert (service.stored(user).version, service.stored(user).session_epoch) == (2, 1)
