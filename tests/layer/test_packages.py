"""Libraries of single functions are in the packages of these functions only."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.functions import Signer, functions
from tests.layer import packages
from tests.layer.processes import build, start
from tests.support.functions import FUNCTIONS
from tools.local.places import ROOT

pytestmark = pytest.mark.timeout(300)


def test_only_the_checkout_has_libraries_of_its_own() -> None:
    assert [file.stem for file in (ROOT / "functions").glob("*.txt")] == ["OrdersCheckout"]
    assert "OrdersCheckout" in FUNCTIONS


def test_package_has_the_functions_own_libraries_and_no_other(tmp_path: Path) -> None:
    checkout, api = tmp_path / "checkout", tmp_path / "api"
    assert not build("functions/Makefile", "build-OrdersCheckout", checkout, "fast")
    assert not build("functions/Makefile", "build-OrdersApi", api, "fast")
    installed = {path.name for path in checkout.iterdir()} - {path.name for path in api.iterdir()}
    assert {name.partition("-")[0] for name in installed} == {"stripe"}


@pytest.mark.parametrize(("provider", "imported"), [("stripe", True), ("sandbox", False)])
def test_checkout_imports_stripe_only_where_it_pays_through_it(
    tmp_path: Path, provider: str, imported: bool
) -> None:
    package = tmp_path / "package"
    assert not build("functions/Makefile", "build-OrdersCheckout", package, "fast")
    [checkout] = [one for one in functions(Signer()) if one.name == "OrdersCheckout"]
    chosen = replace(checkout, variables=checkout.variables | {"PAYMENT_PROVIDER": provider})
    started = start(chosen, packages.layer(), package=package)
    assert ("stripe" in started.modules) == imported
