"""The files of `web/` as the local front serves them."""

import asyncio
import gzip
import json
from pathlib import Path

import httpx
import pytest

from tools.local import helpers, web
from tools.template import resources

[POLICY] = resources("AWS::CloudFront::ResponseHeadersPolicy").values()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("secret")
    for name, text in (
        ("web/shop/index.html", "<!doctype html>"),
        ("web/shop/main.js", "let x = 1;\n" * 200),
        ("web/lib/types.d.mts", "types"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "web/shop/link.js").symlink_to(tmp_path / "secret.js")
    return tmp_path / "web"


def get(root: Path, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    sent = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {"method": method, "path": path, "headers": sent}
    answered = web.answer(scope, web.headers(POLICY), root)
    assert answered
    status, raw, content = answered
    return httpx.Response(status, headers=raw, content=content)


def test_files_have_the_headers_of_cloudfronts_policy(root: Path) -> None:
    for path in ("/shop/", "/shop/main.js", "/shop/none.js", "/shop"):
        headers = get(root, path).headers
        assert "default-src 'none'; script-src 'self';" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["strict-transport-security"] == "max-age=31536000"


def test_page_is_served_for_its_paths_and_kept_in_no_cache(root: Path) -> None:
    for path in ("/shop/", "/shop/confirm", "/shop/orders/1"):
        page = get(root, path)
        assert (page.text, page.headers["cache-control"]) == ("<!doctype html>", "no-store")
    assert get(root, "/shop").headers["location"] == "/shop/"
    assert web.answer({"path": "/api/v1/products"}, [], root) is None


def test_file_is_compressed_and_validated_by_its_etag(root: Path) -> None:
    scope = {"method": "GET", "path": "/shop/main.js", "headers": [(b"accept-encoding", b"gzip")]}
    answered = web.answer(scope, [], root)
    assert answered
    headers = dict(answered[1])
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert gzip.decompress(answered[2]) == (root / "shop/main.js").read_bytes()
    assert headers[b"cache-control"] == b"no-cache"
    again = get(root, "/shop/main.js", if_none_match=f"W/{headers[b'etag'].decode()}")
    assert (again.status_code, again.content) == (304, b"")
    assert get(root, "/shop/main.js", "HEAD").headers["content-length"] == "2200"
    assert get(root, "/shop/main.js", "POST").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/shop/../../secret.js",
        "/lib/../../secret.js",
        "/shop//../../secret.js",
        "/lib//etc/passwd",
        "/shop/link.js",
        "/lib/types.d.mts",
        "/shop/\0.js",
    ],
)
def test_nothing_else_of_the_machine_is_served(root: Path, path: str) -> None:
    assert get(root, path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/_local/", {}, 200),
        ("GET", "/_local/", {"host": "evil.example"}, 403),
        ("GET", "/_local/other", {}, 404),
        ("DELETE", "/_local/faults", {}, 403),
        ("POST", "/_local/faults", {"content-type": "text/plain"}, 403),
        (
            "POST",
            "/_local/faults",
            {"content-type": "application/json", "sec-fetch-site": "cross-site"},
            403,
        ),
        ("POST", "/_local/faults", {"content-type": "application/json"}, 422),
    ],
)
def test_helpers_are_for_pages_of_this_machine(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    sent = {"host": "127.0.0.1:3000", **headers}
    raw = [(k.encode(), v.encode()) for k, v in sent.items()]
    scope = {"method": method, "path": path, "headers": raw, "query_string": b""}

    async def asked() -> tuple[int, bytes]:
        async with httpx.AsyncClient() as client:
            answered = await helpers.answer(
                client, httpx.URL("http://127.0.0.1:9/"), scope, b'{"target": "moon"}'
            )
            return answered[0], answered[2]

    found, content = asyncio.run(asked())
    assert found == status
    if status == 200:
        assert json.loads(content)["features"] == ["mail", "faults", "timeline"]
