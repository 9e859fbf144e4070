"""E-mail addresses."""

import pytest

from users import emails


@pytest.mark.parametrize(
    "address",
    [
        *("alice@example.com", "Alice.O'Neil+shop@Mail.Example.co.uk", "a@b.co"),
        *("x@xn--bcher-kva.example", "a" * 64 + "@example.com"),
    ],
)
def test_parse_returns_the_address_without_blanks(address: str) -> None:
    assert emails.parse(f"  {address}\t") == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "nobody", "@example.com", "alice@", "alice@localhost", "alice@@example.com"),
        *("alice@bob@example.com", "a b@example.com", "alice@exam ple.com", '"al ice"@example.com'),
        *(".alice@example.com", "alice.@example.com", "al..ice@example.com", "älice@example.com"),
        *("alice@-example.com", "alice@example-.com", "alice@example..com", "alice@example.com."),
        *("alice@127.0.0.1", "alice@example.c", "alice\n@example.com", "alice@example.com\0"),
        *("a" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "a@" + "b." * 126 + "com"),
        *("x@erased.invalid", "X@Erased.INVALID"),
    ],
)
def test_parse_refuses_what_no_mail_can_be_sent_to(text: str) -> None:
    with pytest.raises(ValueError, match="must be an e-mail address"):
        emails.parse(text)


def test_normalised_ignores_case_and_blanks() -> None:
    assert emails.normalised(" Alice@Example.COM ") == emails.normalised("alice@example.com")
