"""What the build leaves beside the gateway: the document, the page's assets, and what they lead
to."""

import re
from pathlib import Path

import pytest

from gateway import api
from gateway.site import ASSETS, Site
from tests.gateway.fakes import FakeBackends
from tests.support.http import HttpClient
from tools.openapi.__main__ import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write(folder)
    return folder


def test_the_assets_are_swagger_ui_5_and_go_out_as_text(folder: Path) -> None:
    gateway = HttpClient(api.create_app(FakeBackends(), Site(folder)))
    for name in ASSETS:
        assert gateway.get(f"/docs/{name}").text == (folder / name).read_text()
    assert re.search(r'PACKAGE_VERSION:"5\.\d+', (folder / "swagger-ui-bundle.js").read_text())
    # What a Lambda function may answer with, and API Gateway pass on, is 6 MB.
    assert sum((folder / name).stat().st_size for name in ASSETS) < 3_000_000


def test_the_licence_of_what_was_copied_comes_along(folder: Path) -> None:
    assert "MIT License" in (folder / "fastapi-swagger.LICENSE").read_text()


def test_a_known_path_of_the_real_document_answers_405(folder: Path) -> None:
    gateway = HttpClient(api.create_app(FakeBackends(), Site(folder)))
    for method, path, allowed in [
        ("DELETE", "/api/v1/orders", "GET, POST"),
        ("PATCH", "/api/v1/users/me", "GET"),
        ("PUT", "/.well-known/jwks.json", "GET"),
    ]:
        assert gateway.request(method, path).headers["allow"] == allowed
