"""The pages of the shop that links in e-mails lead to, as the local front has them: a shop in the
cloud has pages of its own (the parameter ShopUrl).

A page changes nothing by itself, as programs open links of e-mails before people do. Its button
sends the link's token to the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Final


@dataclass(frozen=True)
class _Page:
    """What a page says, and the route that its button calls."""

    title: str
    button: str
    route: str
    done: str
    field: str = ""


_NEW_FIELD: Final = (
    '<p><label>New password <input name="password" type="password" minlength="12" required'
    ' autocomplete="new-password"></label></p>'
)
_PAGES: Final[Mapping[str, _Page]] = {
    "/confirm": _Page(
        "Confirm your e-mail address", "Confirm", "/api/v1/auth/confirm", "It is confirmed."
    ),
    "/undo-email": _Page(
        "Keep your old e-mail address",
        "Undo the change",
        "/api/v1/auth/confirm",
        "The change is undone. Choose a new password now.",
    ),
    "/reset": _Page(
        "Choose a new password",
        "Set the password",
        "/api/v1/auth/reset",
        "The password is set. You can log in.",
        _NEW_FIELD,
    ),
}
# The token is in the URL: it must not reach other sites, nor stay in a cache.
HEADERS: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]
_HTML: Final = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<body style="max-width:40rem;margin:4rem auto;font:16px/1.5 sans-serif">
<h1>$title</h1>
<form>$field<button>$button</button></form>
<p role="status"></p>
<script>
const form = document.querySelector("form"), status = document.querySelector("p[role]");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = new URLSearchParams(location.search).get("token");
  const answer = await fetch("$route", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({token, ...Object.fromEntries(new FormData(form))}),
  });
  const problem = answer.ok ? {} : await answer.json();
  status.textContent = answer.ok ? "$done"
    : [problem.detail, ...(problem.errors ?? []).map((error) => error.detail)].join(" ");
});
</script>
""")


def html(path: str) -> bytes | None:
    """The page at a path; None if it has none."""
    page = _PAGES.get(path)
    return _HTML.substitute(vars(page)).encode() if page else None
