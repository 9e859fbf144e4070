"""LAYER=plain builds with the libraries as they were published, and functions answer requests with
them."""

from pathlib import Path

import pytest

from bench.functions import Signer, functions
from tests.layer.processes import build, start
from tests.support.http import rest_event


@pytest.mark.timeout(300)
def test_function_answers_on_the_libraries_as_published(tmp_path: Path) -> None:
    layer, task = tmp_path / "layer", tmp_path / "task"
    assert not build("layers/shared/Makefile", "build-SharedLayer", layer, "plain")
    assert not build("functions/Makefile", "build-ProductsApi", task, "plain")
    assert (layer / "python/fastapi/openapi/models.py").exists()
    assert not (task / "precompiled.bin").exists()
    [api] = [subject for subject in functions(Signer()) if subject.name == "ProductsApi"]
    started = start(
        api,
        layer / "python",
        task_root=task,
        events=[rest_event("GET", "/api/v1/products?limit=1000")],
    )
    assert started.answers[0]["statusCode"] == 422
    assert started.modules["fastapi"] == str(layer / "python/fastapi/__init__.py")


def test_misspelt_layer_stops_thebuild(tmp_path: Path) -> None:
    error = build("layers/shared/Makefile", "build-SharedLayer", tmp_path / "layer", "plian")
    assert "LAYER is fast or plain, not plian" in error
