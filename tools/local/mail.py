"""What the local shop has mailed: `GET /_local/mail` of the front, and `make mail`.

{"mails": [{"to", "subject", "text", "html", "at"}]}, newest first
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from tools.progress import Problem

PATH: Final = "/_local/mail"
EMULATOR_PATH: Final = "/_ministack/ses/messages"
_TOKEN: Final = re.compile(r"\?token=([\w-]+)")

type Mail = dict[str, str]


def mails(sent: Mapping[str, Any], to: str | None) -> list[Mail]:
    """What the emulator's SES has taken, newest first.

    Args:
        sent: the emulator's answer, with the messages of each account.
        to: only those to this address; None for all.
    """
    messages = [message for account in sent["messages"].values() for message in account]
    messages.sort(key=lambda message: float(message["Timestamp"]), reverse=True)
    return [
        {
            "to": address,
            "subject": message["Subject"],
            "text": message["BodyText"],
            "html": message["BodyHtml"],
            "at": _rfc3339(float(message["Timestamp"])),
        }
        for message in messages
        for address in message["To"]
        if to is None or address.casefold() == to.casefold()
    ]


def newest_token(http: httpx.Client, to: str, origin: str = "") -> str:
    """The token of the link that was mailed last to an address; empty while there is none.

    Args:
        origin: where the shop is, if that is not the client's base URL.

    Raises:
        httpx.HTTPStatusError: the shop is not one of this machine.
    """
    found = http.get(f"{origin}{PATH}", params={"to": to}).raise_for_status().json()["mails"]
    links = (_TOKEN.search(mail["text"]) for mail in found)
    return next((link[1] for link in links if link), "")


def show(url: str, to: str) -> None:
    """Print the e-mails of the shop at a URL, the newest at the end.

    Args:
        to: only those to this address; empty for all.

    Raises:
        Problem: the shop does not answer.
    """
    try:
        answer = httpx.get(f"{url}{PATH}", params={"to": to} if to else {}, timeout=30)
        found = answer.raise_for_status().json()["mails"]
    except httpx.HTTPError as error:
        raise Problem(f"The shop does not answer: {error}.") from None
    print("\n".join(_printable(_lines(reversed(found)))) or "No e-mail has been sent yet.")


def _rfc3339(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(found: Iterable[Mail]) -> Iterable[str]:
    for mail in found:
        yield f"▸ {mail['at']}  to {mail['to']}  {mail['subject']}"
        yield ""
        yield from (f"  {line}".rstrip() for line in mail["text"].rstrip().splitlines())
        yield ""


def _printable(lines: Iterable[str]) -> Iterable[str]:
    """The lines without control characters, which a terminal would obey."""
    return ("".join(c if c.isprintable() else " " for c in line) for line in lines)
