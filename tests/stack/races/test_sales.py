"""Buyers at once, on the emulator: what is there is sold, and no more."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from tests.stack.races.market import Market, Size, at_once, statuses
from tests.support.books import Books
from tests.support.client import Client

type Say = Callable[[str], None]


def test_no_more_is_sold_than_there_is(market: Market, size: Size, say: Say) -> None:
    for number in range(size.rounds):
        market.begins_anew()
        mug = market.admin.add_product(stock=size.units)

        def buy(buyer: Client, mug: dict[str, Any] = mug) -> httpx.Response:
            return market.buys(buyer, mug)

        answers = at_once(buy, market.customers(size.buyers))
        say(market.line(f"one product, round {number + 1}"))
        assert statuses(answers) == {
            "201": size.units,
            "409 out-of-stock": size.buyers - size.units,
        }
        assert sold(market.closes()) >= Counter({mug["id"]: size.units})


def test_baskets_are_all_or_nothing_and_what_is_cancelled_is_sold_again(
    market: Market, size: Size, say: Say
) -> None:
    for number in range(size.rounds):
        market.begins_anew()
        chance = random.Random(number)
        goods = [market.admin.add_product(stock=size.units) for _ in range(4)]
        left, wave = goods, 0
        while True:
            wave += 1
            # The first ones take two or three, in any order, and some change their mind; those who clear the shelves
            # come one product at a time.
            baskets = [
                chance.sample(left, chance.randint(min(2, len(left)), min(3, len(left))))
                if wave == 1
                else [chance.choice(left)]
                for _ in range(size.buyers)
            ]
            fickle = [wave == 1 and chance.random() < 0.3 for _ in baskets]
            visits = list(zip(market.customers(size.buyers), baskets, fickle, strict=True))
            at_once(lambda visit: visited(market, *visit), visits)
            say(market.line(f"baskets, round {number + 1}, wave {wave}"))
            books = market.closes()
            left = [product for product in goods if books.products[product["id"]]["available"]]
            if not left:
                break
        assert sold(books) >= Counter({product["id"]: size.units for product in goods})


def visited(market: Market, buyer: Client, basket: list[dict[str, Any]], fickle: bool) -> None:
    answer = market.buys(buyer, *basket)
    if answer.status_code == 201 and fickle:
        path = f"/api/v1/orders/{answer.json()['id']}/cancel"
        assert market.definitely(lambda: buyer.post(path)).status_code == 200


def test_no_more_is_sold_than_there_is_over_http(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.units)
    buyers = market.customers(3 * size.units, market.there)
    answers = at_once(lambda buyer: market.buys(buyer, mug), buyers)
    say(market.line("over HTTP"))
    assert statuses(answers) == {"201": size.units, "409 out-of-stock": 2 * size.units}
    assert sold(market.closes()) >= Counter({mug["id"]: size.units})


def test_what_comes_in_while_it_sells_is_sold_too(market: Market, size: Size, say: Say) -> None:
    mug = market.admin.add_product(stock=size.units // 2)

    def come(number: int) -> httpx.Response:
        if number % 4 == 0:
            # Some come in, and one is found broken.
            delta = 2 if number % 8 else -1
            return market.restocks(mug, delta, uuid.uuid4().hex)
        return market.buys(buyers[number], mug)

    buyers = market.customers(size.buyers)
    answers = at_once(come, range(size.buyers))
    say(market.line("restocked while it sells"))
    assert statuses(answers).keys() == {"200", "201", "409 out-of-stock"}
    books = market.closes()
    assert sold(books)[mug["id"]] == statuses(answers)["201"]


def sold(books: Books) -> Counter[str]:
    """The units of each product in orders that were not cancelled."""
    units: Counter[str] = Counter()
    for order in books.orders.values():
        for line in order["lines"] if order["status"] != "cancelled" else ():
            units[line["product_id"]] += line["quantity"]
    return units
