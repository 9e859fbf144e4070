"""Coarse names of clients, for the list of a user's sessions."""

from typing import Final

_UNKNOWN: Final = "Unknown client"
# The first that the User-Agent contains: browsers name their ancestors too.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_PROGRAMS: Final = {
    "curl/": "curl",
    "Wget/": "Wget",
    "HTTPie/": "HTTPie",
    "PostmanRuntime/": "Postman",
    "python-": "Python",
    "Go-http-client/": "Go",
    "okhttp/": "Android app",
    "CFNetwork/": "iOS app",
}


def client_label(user_agent: str) -> str:
    """The kind of client, such as `Firefox on Linux` or `curl`: one of a closed set, never the text
    that the client sent."""
    if program := _first(_PROGRAMS, user_agent):
        return program
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    return " on ".join(filter(None, (browser, system))) or _UNKNOWN


def _first(names: dict[str, str], user_agent: str) -> str | None:
    return next((name for mark, name in names.items() if mark in user_agent), None)
