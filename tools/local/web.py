"""The files of `web/`: what is served of them, and how, by the local front and by a deployed shop's
bucket."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.local.gateway import Answer, Headers
from tools.local.places import ROOT

WEB: Final = ROOT / "web"
_FOLDERS: Final = ("shop", "console", "lib")
_PAGES: Final = ("shop", "console")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_SMALLEST_COMPRESSED: Final = 1000  # CloudFront's
_PACKED: Final = (".png", ".webp", ".woff2")


def files(root: Path = WEB) -> dict[str, Path]:
    """What is served, by its path below the origin; types and licences are not."""
    return {
        file.relative_to(root).as_posix(): file
        for folder in _FOLDERS
        for file in sorted((root / folder).rglob("*"))
        if file.suffix in _TYPES and file.is_file() and not file.is_symlink()
    }


def content_type(key: str) -> str:
    return _TYPES[Path(key).suffix]


def cache_control(key: str) -> str:
    """Pages are in no cache, as their URLs may have the token of an e-mail's link."""
    return "no-store" if key.endswith(".html") else "no-cache"


def key_of(path: str) -> str | None:
    """The file of a path, by the rules of WebRouter in the template; None if the API has it.

    An empty key: the path needs a slash at its end.
    """
    folder, slash, rest = path.removeprefix("/").partition("/")
    if folder not in _FOLDERS or not path.startswith("/"):
        return None
    if not slash:
        return "" if folder in _PAGES else None
    is_page = folder in _PAGES and "." not in rest.rpartition("/")[2]
    return f"{folder}/index.html" if is_page else path[1:]


def headers(policy: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What CloudFront adds to each answer, by the template's ResponseHeadersPolicy."""
    config = policy["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    transport = security["StrictTransportSecurity"]
    return [
        (
            "content-security-policy",
            " ".join(security["ContentSecurityPolicy"]["ContentSecurityPolicy"].split()),
        ),
        ("strict-transport-security", f"max-age={transport['AccessControlMaxAgeSec']}"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", security["ReferrerPolicy"]["ReferrerPolicy"]),
        *((one["Header"].lower(), one["Value"]) for one in config["CustomHeadersConfig"]["Items"]),
    ]


def answer(
    scope: Mapping[str, Any], added: Sequence[tuple[str, str]], root: Path = WEB
) -> Answer | None:
    """The answer to a request for a file; None for all others."""
    key = key_of(scope["path"])
    if key is None:
        return None
    always = [(name.encode(), value.encode()) for name, value in added]
    always.append((b"vary", b"accept-encoding"))
    if scope["method"] not in ("GET", "HEAD"):
        return 403, [*always, *_plain()], b"These files are only read.\n"
    if not key:
        location = (b"location", f"{scope['path']}/".encode())
        return 308, [*always, location, (b"content-length", b"0")], b""
    # Looked up among the files that exist: no path of a request is ever opened.
    file = files(root).get(key)
    if file is None:
        return 404, [*always, *_plain()], b"There is no such file.\n"
    return _served(scope, key, file.read_bytes(), always)


def _served(scope: Mapping[str, Any], key: str, content: bytes, always: Headers) -> Answer:
    asked = dict(scope["headers"])
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
    always = [
        *always,
        (b"cache-control", cache_control(key).encode()),
        (b"etag", etag),
    ]
    known = {
        tag.strip().removeprefix(b"W/") for tag in asked.get(b"if-none-match", b"").split(b",")
    }
    if etag in known:
        return 304, always, b""
    always.append((b"content-type", content_type(key).encode()))
    if (
        b"gzip" in asked.get(b"accept-encoding", b"")
        and len(content) >= _SMALLEST_COMPRESSED
        and not key.endswith(_PACKED)
    ):
        content = gzip.compress(content, compresslevel=6, mtime=0)
        always.append((b"content-encoding", b"gzip"))
    if scope["method"] == "HEAD":
        return 200, [*always, (b"content-length", str(len(content)).encode())], b""
    return 200, always, content


def _plain() -> Iterator[tuple[bytes, bytes]]:
    yield b"content-type", b"text/plain; charset=utf-8"
    yield b"cache-control", b"no-store"
