"""`make order` on the deployed stack: rows of functions, by their names, from Logs Insights."""

import re
import subprocess
import sys

from tests.support.client import Client, eventually
from tests.support.cloud import Cloud
from tools.local.places import STACK
from tools.template import ROOT


def make_order(cloud: Cloud, order_id: str) -> str:
    command = (sys.executable, "-m", "tools.timeline", "order", "--env", "dev", "--stack", STACK)
    ended = subprocess.run(
        (*command, "--id", order_id),
        env=cloud.shop.environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


def test_timeline_of_an_order_names_the_functions_and_their_steps(
    cloud: Cloud, customer: Client, admin: Client
) -> None:
    order = customer.order((admin.add_product(stock=3), 1))
    shown = eventually(
        lambda: make_order(cloud, order["id"]),
        lambda text: "handled order.confirmed" in text,
        within=60,
    )
    assert re.search(r"ms  OrdersApi +POST /api/v1/orders 201\n +\d+ ms +find_customer\n", shown)
    assert re.search(r"OrdersRelay +published order.placed\n", shown)
    assert re.search(
        r"ms  OrdersCheckout +handled order.placed\n +\d+ ms +confirm\n +\d+ ms +authorize\n", shown
    )
    assert re.search(r"NotificationsTable +e-mail sent: order.confirmed\n", shown)
