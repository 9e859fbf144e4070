"""What the build leaves beside the gateway: the documents, the page's assets, and their licence."""

import re
from pathlib import Path

from gateway import api
from gateway.site import BUILT_ASSETS, Site
from tests.gateway.fakes import FakeBackends
from tests.support.http import serve
from tools.openapi.__main__ import write


def test_gateway_serves_what_the_build_left(tmp_path: Path) -> None:
    write(tmp_path)
    gateway = serve(api.router, backends=FakeBackends(), site=Site(tmp_path))
    for name in BUILT_ASSETS:
        assert gateway.get(f"/docs/{name}").text == (tmp_path / name).read_text()
    assert re.search(r'PACKAGE_VERSION:"5\.\d+', (tmp_path / "swagger-ui-bundle.js").read_text())
    # A Lambda function may answer with 6 MB.
    assert sum((tmp_path / name).stat().st_size for name in BUILT_ASSETS) < 3_000_000
    assert "MIT License" in (tmp_path / "fastapi-swagger.LICENSE").read_text()
    assert gateway.get("/asyncapi.json").json["asyncapi"] == "3.0.0"
    for method, path, allowed in [
        ("DELETE", "/api/v1/orders", "GET, POST"),
        ("PATCH", "/api/v1/users/me", "GET"),
        ("PUT", "/.well-known/jwks.json", "GET"),
    ]:
        assert gateway.request(method, path).headers["allow"] == allowed
