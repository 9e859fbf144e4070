"""Libraries of single functions are in the packages of these functions only."""

import json
from pathlib import Path

import pytest

from bench.canned.server import CannedAws
from bench.functions import Signer, functions
from bench.subjects import STRIPE
from tests.layer import packages
from tests.layer.processes import build, start
from tests.support.functions import FUNCTIONS
from tools.local.places import ROOT

pytestmark = pytest.mark.timeout(300)


def test_only_those_who_call_stripe_have_libraries_of_their_own() -> None:
    own = {file.stem for file in (ROOT / "functions").glob("*.txt")}
    assert own == {"OrdersCheckout", "OperationsReconciler"} <= FUNCTIONS.keys()


def test_package_has_the_functions_own_libraries_and_no_other(tmp_path: Path) -> None:
    checkout, api = tmp_path / "checkout", tmp_path / "api"
    assert not build("functions/Makefile", "build-OrdersCheckout", checkout, "fast")
    assert not build("functions/Makefile", "build-OrdersApi", api, "fast")
    installed = {path.name for path in checkout.iterdir()} - {path.name for path in api.iterdir()}
    assert {name.partition("-")[0] for name in installed} == {"stripe"}


@pytest.mark.parametrize(("name", "imported"), [(STRIPE, True), ("OrdersCheckout", False)])
def test_checkout_imports_stripe_only_where_it_pays_through_it(
    tmp_path: Path, name: str, imported: bool
) -> None:
    package, signer = tmp_path / "package", Signer()
    assert not build("functions/Makefile", "build-OrdersCheckout", package, "fast")
    [checkout] = [one for one in functions(signer) if one.name == name]
    with CannedAws(signer.public_key) as aws:
        events = [json.loads(checkout.event)]
        started = start(
            checkout, packages.layer(), package=package, endpoint=aws.endpoint, events=events
        )
        aws.check()
    assert ("stripe" in started.modules) == imported
    # The order is paid.
    assert started.answers == [{"batchItemFailures": []}]
