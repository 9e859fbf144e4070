"""Log in, refresh, log out."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.users.builders import PASSWORD, SOURCE
from tests.users.shop import ISSUER, Shop, caller
from users.accounts.models import User
from users.accounts.schemas import AccountChange
from users.login_throttle.errors import TooManyAttempts
from users.sessions.errors import BadCredentials, BadRefreshToken
from users.sessions.models import RefreshToken
from users.sessions.schemas import LogIn, TokenPair

NEW = "another-long-password"


def claims(shop: Shop, token: str) -> dict[str, Any]:
    """What a token says; its signature is checked, its times are not: the clock stands still."""
    checked: dict[str, Any] = jwt.decode(
        token,
        shop.signer.public.key,
        algorithms=["ES256"],
        audience="bodega",
        options={"verify_exp": False, "verify_iat": False},
    )
    return checked


def assert_spent(shop: Shop, refresh_token: str) -> None:
    with pytest.raises(BadRefreshToken):
        shop.sessions.refresh(refresh_token)


def made_up(pair: TokenPair) -> list[str]:
    """What somebody may try who has learnt a family's id, or most of a token."""
    family, secret, mark = pair.refresh_token.split(".")
    return [
        f"{family}.{'A' * 43}.{'0' * 32}",
        f"{family}.{'A' * 43}.{mark}",
        f"{family}.{secret}.{'0' * 32}",
    ]


class TestLogIn:
    def test_the_right_password_gives_a_pair(self, shop: Shop) -> None:
        user = shop.customer(email="Alice@example.com")
        pair = shop.sessions.log_in(
            LogIn(email=" alice@EXAMPLE.com", password=PASSWORD), source=SOURCE
        )
        assert (pair.token_type, pair.expires_in) == ("Bearer", 900)
        said = claims(shop, pair.access_token)
        assert (said["sub"], said["role"], said["iss"]) == (user.id, "customer", ISSUER)
        assert said["exp"] - said["iat"] == 900

    def test_unknown_wrong_and_deactivated_are_answered_alike(self, shop: Shop) -> None:
        alice, gone = shop.customer(), shop.customer()
        shop.accounts.deactivate(caller(gone), gone.id)
        answers = set()
        for email, password in (
            ("nobody@example.com", PASSWORD),
            ("no address at all", PASSWORD),
            (alice.email, "wrong"),
            (gone.email, PASSWORD),
        ):
            with pytest.raises(BadCredentials) as refusal:
                shop.sessions.log_in(LogIn(email=email, password=password), source=SOURCE)
            answers.add((refusal.value.status, refusal.value.code, refusal.value.detail))
        assert len(answers) == 1

    def test_an_unknown_address_costs_a_comparison_too(self, shop: Shop) -> None:
        with pytest.raises(BadCredentials):
            shop.sessions.log_in(LogIn(email="x@example.com", password=PASSWORD), source=SOURCE)
        assert shop.passwords.compared == [None]

    def test_who_fails_too_often_is_not_even_compared(self, shop: Shop) -> None:
        user = shop.customer()
        for _ in range(5):
            with pytest.raises(BadCredentials):
                shop.log_in(user, "wrong")
        compared = len(shop.passwords.compared)
        with pytest.raises(TooManyAttempts) as refusal:
            shop.log_in(user)
        assert refusal.value.headers == {"Retry-After": "2"}
        assert len(shop.passwords.compared) == compared
        shop.log_in(user, source="198.51.100.7")

    def test_unknown_addresses_are_slowed_down_like_known_ones(self, shop: Shop) -> None:
        nobody = LogIn(email="nobody@example.com", password=PASSWORD)
        for _ in range(5):
            with pytest.raises(BadCredentials):
                shop.sessions.log_in(nobody, source=SOURCE)
        with pytest.raises(TooManyAttempts):
            shop.sessions.log_in(nobody, source=SOURCE)

    def test_a_success_forgives_the_failures_before_it(self, shop: Shop) -> None:
        user = shop.customer()
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(BadCredentials):
                    shop.log_in(user, "wrong")
            shop.log_in(user)


class TestRefresh:
    def test_a_token_gives_the_next_pair_and_that_the_next(self, shop: Shop) -> None:
        user = shop.customer()
        pair = shop.log_in(user)
        for _ in range(3):
            following = shop.sessions.refresh(pair.refresh_token)
            assert following.refresh_token != pair.refresh_token
            assert claims(shop, following.access_token)["sub"] == user.id
            pair = following

    def test_a_spent_token_ends_its_family_and_no_other(self, shop: Shop) -> None:
        user = shop.customer()
        first, other = shop.log_in(user), shop.log_in(user)
        second = shop.sessions.refresh(first.refresh_token)
        assert_spent(shop, first.refresh_token)
        assert_spent(shop, second.refresh_token)
        shop.sessions.refresh(other.refresh_token)

    def test_who_is_overtaken_by_another_use_of_the_token_ends_the_family(self, shop: Shop) -> None:
        pair = shop.log_in(shop.customer())
        token = RefreshToken.parse(pair.refresh_token)
        assert token
        shop.families.rivals = ["the other's next token"]
        assert_spent(shop, pair.refresh_token)
        assert shop.families.find(token.family_id) is None

    @pytest.mark.parametrize("text", ["x", f"{'0' * 32}.{'A' * 43}.{'0' * 32}"])
    def test_a_token_of_none_of_ours_is_refused(self, shop: Shop, text: str) -> None:
        assert_spent(shop, text)

    def test_who_knows_a_family_s_id_alone_ends_nothing(self, shop: Shop) -> None:
        pair = shop.log_in(shop.customer())
        for forged in made_up(pair):
            assert_spent(shop, forged)
        shop.sessions.refresh(pair.refresh_token)

    def test_a_family_lives_thirty_days_from_its_log_in(self, shop: Shop) -> None:
        pair = shop.log_in(shop.customer())
        shop.clock.advance(days=29)
        pair = shop.sessions.refresh(pair.refresh_token)
        shop.clock.advance(days=1)
        assert_spent(shop, pair.refresh_token)

    def test_a_fresh_token_has_the_role_of_the_moment(self, shop: Shop) -> None:
        user = shop.customer()
        pair = shop.log_in(user)
        shop.users.save(user, user.changed(role="admin"))
        fresh = shop.sessions.refresh(pair.refresh_token)
        assert claims(shop, fresh.access_token)["role"] == "admin"

    @pytest.mark.parametrize(
        "event",
        [
            lambda shop, user: shop.accounts.deactivate(caller(user), user.id),
            lambda shop, user: shop.accounts.change(
                caller(user),
                user.id,
                AccountChange(password=NEW, current_password=PASSWORD),
                source=SOURCE,
            ),
            lambda shop, user: shop.accounts.change(
                caller(shop.admin()), user.id, AccountChange(password=NEW), source=SOURCE
            ),
        ],
        ids=["deactivation", "new password", "new password by an admin"],
    )
    def test_all_families_end_with(self, shop: Shop, event: Callable[[Shop, User], object]) -> None:
        user = shop.customer()
        pairs = [shop.log_in(user), shop.log_in(user)]
        event(shop, user)
        for pair in pairs:
            assert_spent(shop, pair.refresh_token)

    def test_a_reactivation_brings_no_family_back(self, shop: Shop) -> None:
        user, admin = shop.customer(), shop.admin()
        pair = shop.log_in(user)
        shop.accounts.deactivate(caller(user), user.id)
        shop.accounts.change(caller(admin), user.id, AccountChange(is_active=True), source=SOURCE)
        assert_spent(shop, pair.refresh_token)
        shop.log_in(user)

    def test_a_token_is_still_good_when_signing_failed(self, shop: Shop) -> None:
        pair = shop.log_in(shop.customer())
        shop.signer.is_away = True
        with pytest.raises(ConnectionError):
            shop.sessions.refresh(pair.refresh_token)
        shop.signer.is_away = False
        shop.sessions.refresh(pair.refresh_token)


class TestLogOut:
    def test_the_family_ends_and_others_stay(self, shop: Shop) -> None:
        user = shop.customer()
        pair, other = shop.log_in(user), shop.log_in(user)
        shop.sessions.log_out(pair.refresh_token)
        assert_spent(shop, pair.refresh_token)
        shop.sessions.refresh(other.refresh_token)

    def test_a_spent_token_logs_its_family_out_too(self, shop: Shop) -> None:
        first = shop.log_in(shop.customer())
        second = shop.sessions.refresh(first.refresh_token)
        shop.sessions.log_out(first.refresh_token)
        assert_spent(shop, second.refresh_token)

    def test_who_knows_a_family_s_id_alone_logs_nobody_out(self, shop: Shop) -> None:
        pair = shop.log_in(shop.customer())
        for forged in made_up(pair):
            shop.sessions.log_out(forged)
        shop.sessions.refresh(pair.refresh_token)

    @pytest.mark.parametrize("text", ["x", f"{'0' * 32}.{'A' * 43}.{'0' * 32}"])
    def test_a_token_of_none_of_ours_is_none_the_less_logged_out(
        self, shop: Shop, text: str
    ) -> None:
        shop.sessions.log_out(text)
