"""`make mail`; tests/stack shows it on a shop."""

import httpx
import pytest

from tools.local import mail

SENT = {
    "messages": {
        "000000000000": [
            {
                "To": [to],
                "Subject": f"Letter {at}",
                "BodyText": f"Hello,\n\nletter {at}\x1b[2J\n",
                "BodyHtml": "<p>Hello</p>",
                "Timestamp": at,
            }
            for at, to in (
                (1.5, "alice@example.com"),
                (3.0, "bob@example.com"),
                (2.0, "Alice@example.com"),
            )
        ]
    }
}


def test_mails_are_newest_first_for_one_address_or_all() -> None:
    first = mail.mails(SENT, "alice@EXAMPLE.com")
    assert [found["subject"] for found in first] == ["Letter 2.0", "Letter 1.5"]
    assert first[1] == {
        "to": "alice@example.com",
        "subject": "Letter 1.5",
        "text": "Hello,\n\nletter 1.5\x1b[2J\n",
        "html": "<p>Hello</p>",
        "at": "1970-01-01T00:00:01.500Z",
    }
    assert next(found["to"] for found in mail.mails(SENT, None)) == "bob@example.com"


def test_make_mail_prints_the_newest_last_and_nothing_that_a_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def get(url: str, *, params: dict[str, str], **_: object) -> httpx.Response:
        found = {"mails": mail.mails(SENT, params.get("to"))}
        return httpx.Response(200, json=found, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    mail.show("http://127.0.0.1:3000", "alice@example.com")
    printed = capsys.readouterr().out
    assert printed.index("Letter 1.5") < printed.index("Letter 2.0")
    assert "  letter 2.0 [2J" in printed
    assert "bob@" not in printed
