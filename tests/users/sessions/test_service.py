"""Log in, refresh, log out."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.users.builders import NEW_PASSWORD, PASSWORD
from tests.users.service import ISSUER, Service
from users.accounts.models import User
from users.login_throttle.errors import TooManyAttempts
from users.sessions.errors import BadCredentials, BadRefreshToken
from users.sessions.models import RefreshToken, TokenPair

FOREIGN = f"{'0' * 32}.{'A' * 43}.{'0' * 32}"


def claims(service: Service, token: str) -> dict[str, Any]:
    """The claims of a token with a valid signature; its times are those of a manual clock."""
    verified: dict[str, Any] = jwt.decode(
        token,
        service.signer.public.key,
        algorithms=["ES256"],
        audience="bodega",
        options={"verify_exp": False, "verify_iat": False},
    )
    return verified


def assert_refused(service: Service, refresh_token: str) -> None:
    with pytest.raises(BadRefreshToken):
        service.sessions.refresh(refresh_token)


def forged(pair: TokenPair) -> list[str]:
    """Tokens that can be made from a family's id, or from most of a token."""
    family, secret, mac = pair.refresh_token.split(".")
    return [
        f"{family}.{'A' * 43}.{'0' * 32}",
        f"{family}.{'A' * 43}.{mac}",
        f"{family}.{secret}.{'0' * 32}",
    ]


@pytest.fixture
def user(service: Service) -> User:
    return service.customer(email="Alice@example.com")


@pytest.fixture
def pair(service: Service, user: User) -> TokenPair:
    return service.log_in(user.email)


class TestLogIn:
    def test_right_password_gives_tokens_of_the_user(self, service: Service, user: User) -> None:
        pair = service.log_in(" alice@EXAMPLE.com")
        said = claims(service, pair.access_token)
        assert (said["sub"], said["role"], said["iss"]) == (user.id, "customer", ISSUER)

    def test_refusals_look_the_same_whatever_is_wrong(self, service: Service, user: User) -> None:
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
        assert hashes == [None, None, user.password_hash, gone.password_hash]

    @pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
    def test_too_many_wrong_passwords_are_throttled_before_the_comparison(
        self, service: Service, user: User, email: str
    ) -> None:
        for _ in range(5):
            with pytest.raises(BadCredentials):
                service.log_in(email, "wrong")
        compared = len(service.passwords.compared)
        with pytest.raises(TooManyAttempts) as refusal:
            service.log_in(email)
        assert refusal.value.headers == {"Retry-After": "2"}
        assert len(service.passwords.compared) == compared

    def test_success_forgets_the_wrong_passwords_before_it(
        self, service: Service, user: User
    ) -> None:
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(BadCredentials):
                    service.log_in(user.email, "wrong")
            service.log_in(user.email)


class TestRefresh:
    def test_each_token_gives_the_next_pair(
        self, service: Service, user: User, pair: TokenPair
    ) -> None:
        for _ in range(3):
            following = service.sessions.refresh(pair.refresh_token)
            assert following.refresh_token != pair.refresh_token
            assert claims(service, following.access_token)["sub"] == user.id
            pair = following

    def test_spent_token_ends_its_family_alone(
        self, service: Service, user: User, pair: TokenPair
    ) -> None:
        other = service.log_in(user.email)
        second = service.sessions.refresh(pair.refresh_token)
        assert_refused(service, pair.refresh_token)
        assert_refused(service, second.refresh_token)
        service.sessions.refresh(other.refresh_token)

    def test_concurrent_use_of_a_token_ends_its_family(
        self, service: Service, pair: TokenPair
    ) -> None:
        token = RefreshToken.parse(pair.refresh_token)
        assert token
        service.families.rivals = ["the rival's next token"]
        assert_refused(service, pair.refresh_token)
        assert service.families.find(token.family_id) is None

    def test_forged_tokens_are_refused_and_end_nothing(
        self, service: Service, pair: TokenPair
    ) -> None:
        for text in (*forged(pair), FOREIGN, "x"):
            assert_refused(service, text)
        service.sessions.refresh(pair.refresh_token)

    def test_family_lives_thirty_days_from_its_log_in(
        self, service: Service, pair: TokenPair
    ) -> None:
        service.clock.advance(days=29)
        pair = service.sessions.refresh(pair.refresh_token)
        service.clock.advance(days=1)
        assert_refused(service, pair.refresh_token)

    def test_next_access_token_has_the_role_of_the_moment(
        self, service: Service, user: User, pair: TokenPair
    ) -> None:
        service.users.save(user, user.changed(role="admin"))
        fresh = service.sessions.refresh(pair.refresh_token)
        assert claims(service, fresh.access_token)["role"] == "admin"

    @pytest.mark.parametrize(
        "end",
        [
            lambda service, user: service.deactivate(user),
            lambda service, user: service.change(
                user, password=NEW_PASSWORD, current_password=PASSWORD
            ),
            lambda service, user: service.change(service.admin(), user, password=NEW_PASSWORD),
            lambda service, user: service.change(
                service.admin(), service.deactivate(user), is_active=True
            ),
        ],
        ids=["deactivation", "new password", "new password by an admin", "reactivation"],
    )
    def test_all_families_of_a_user_end_with(
        self, service: Service, user: User, end: Callable[[Service, User], object]
    ) -> None:
        pairs = [service.log_in(user.email), service.log_in(user.email)]
        end(service, user)
        for pair in pairs:
            assert_refused(service, pair.refresh_token)

    def test_token_stays_valid_when_signing_fails(self, service: Service, pair: TokenPair) -> None:
        service.signer.is_away = True
        with pytest.raises(ConnectionError):
            service.sessions.refresh(pair.refresh_token)
        service.signer.is_away = False
        service.sessions.refresh(pair.refresh_token)


class TestLogOut:
    def test_log_out_ends_its_family_alone(
        self, service: Service, user: User, pair: TokenPair
    ) -> None:
        other = service.log_in(user.email)
        for _ in range(2):
            service.sessions.log_out(pair.refresh_token)
        assert_refused(service, pair.refresh_token)
        service.sessions.refresh(other.refresh_token)

    def test_log_out_takes_a_spent_token(self, service: Service, pair: TokenPair) -> None:
        second = service.sessions.refresh(pair.refresh_token)
        service.sessions.log_out(pair.refresh_token)
        assert_refused(service, second.refresh_token)

    def test_log_out_ignores_a_forged_token(self, service: Service, pair: TokenPair) -> None:
        for text in (*forged(pair), FOREIGN, "x"):
            service.sessions.log_out(text)
        service.sessions.refresh(pair.refresh_token)
