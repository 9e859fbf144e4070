"""The kinds of clients."""

import pytest

from users.sessions.client_labels import client_label

_LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (f"{_LINUX} Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        (f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0", "Edge on Windows"),
        (f"{_MAC} Version/18.0 Safari/605.1.15", "Safari on macOS"),
        (f"{_PHONE} (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0.0.0 Mobile", "Chrome on Android"),
        ("curl/8.10.1", "curl"),
        ("python-httpx/0.28.1", "Python"),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("", "Unknown client"),
        ("<script>alert(1)</script>", "Unknown client"),
    ],
)  # fmt: skip
def test_label_is_the_kind_of_client(user_agent: str, label: str) -> None:
    assert client_label(user_agent) == label
