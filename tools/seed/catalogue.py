"""The twelve products of the seed, in three categories: bodies of `POST /api/v1/products`."""

from typing import Final

_MEMBERS: Final = ("category", "name", "price", "stock", "description")
_PRODUCTS: Final = (
    ("coffee", "Sunrise Espresso Beans", "14.90", 80, "Dark roast, 500 g."),
    ("coffee", "Highland Filter Beans", "12.50", 60, "Light roast from Sidamo, 500 g."),
    ("coffee", "Decaf House Blend", "13.20", 40, "Water process, 500 g."),
    ("coffee", "Cold Brew Concentrate", "8.75", 25, "Half a litre, makes eight glasses."),
    ("kitchen", "Stovetop Espresso Maker", "34.00", 20, "Aluminium, for three cups."),
    ("kitchen", "Burr Hand Grinder", "59.90", 12, "Steel burrs, forty settings."),
    ("kitchen", "Gooseneck Kettle", "74.50", 8, "0.9 litres, for the stove."),
    ("kitchen", "Stoneware Mug", "11.00", 150, "Holds 300 ml, glazed by hand."),
    ("books", "The Shopkeeper's Handbook", "24.00", 35, "Two hundred years of selling."),
    ("books", "Small Shops, Big Systems", "39.00", 15, "Queues, ledgers and sagas."),
    ("books", "A Field Guide to Coffee", "18.50", 30, "From the tree to the cup."),
    ("books", "The Last Mug on the Shelf", "9.99", 6, "A mystery."),
)
CATALOGUE: Final = tuple(dict(zip(_MEMBERS, one, strict=True)) for one in _PRODUCTS)
