"""`make fault` on the deployed stack: the layer, the parameter, and what functions may read."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from faults import plan
from tests.support.client import Client, eventually
from tests.support.cloud import Cloud
from tools.local.places import STACK
from tools.template import ROOT


def make_fault(cloud: Cloud, *arguments: str) -> str:
    ended = subprocess.run(
        (sys.executable, "-m", "tools.fault", "--env", "dev", "--stack", STACK, *arguments),
        env={**cloud.shop.environment, "PYTHONPATH": "layers/faults"},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


@contextmanager
def fault(cloud: Cloud, target: str, kind: str) -> Iterator[None]:
    try:
        shown = make_fault(cloud, "--target", target, "--kind", kind)
        assert shown.splitlines()[0] in make_fault(cloud)
        yield
    finally:
        assert make_fault(cloud, "--stop").startswith("No fault is on.")


def test_order_waits_while_the_provider_refuses_and_is_confirmed_afterwards(
    cloud: Cloud, customer: Client, admin: Client
) -> None:
    mug = admin.add_product(stock=3)
    with fault(cloud, "payments", "throttle"):
        time.sleep(plan.FRESH_SECONDS)
        order = customer.order((mug, 1))
        refused = "fault on purpose: throttle of payments"
        eventually(lambda: [line for line in cloud.log_lines() if refused in line], within=60)
        assert customer.get(f"/api/v1/orders/{order['id']}").json()["status"] == "pending"
    eventually(
        lambda: customer.get(f"/api/v1/orders/{order['id']}").json()["status"],
        lambda status: status == "confirmed",
        within=120,
    )
