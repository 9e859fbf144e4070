"""The twelve products of the seed, in three categories."""

from typing import Final, TypedDict


class Product(TypedDict):
    """The body of `POST /api/v1/products`."""

    name: str
    description: str
    price: str
    category: str
    stock: int


def _product(category: str, name: str, price: str, stock: int, description: str) -> Product:
    return {
        "name": name,
        "description": description,
        "price": price,
        "category": category,
        "stock": stock,
    }


CATALOGUE: Final = (
    _product("coffee", "Sunrise Espresso Beans", "14.90", 80, "Dark roast, 500 g."),
    _product("coffee", "Highland Filter Beans", "12.50", 60, "Light roast from Sidamo, 500 g."),
    _product("coffee", "Decaf House Blend", "13.20", 40, "Water process, 500 g."),
    _product("coffee", "Cold Brew Concentrate", "8.75", 25, "Half a litre, makes eight glasses."),
    _product("kitchen", "Stovetop Espresso Maker", "34.00", 20, "Aluminium, for three cups."),
    _product("kitchen", "Burr Hand Grinder", "59.90", 12, "Steel burrs, forty settings."),
    _product("kitchen", "Gooseneck Kettle", "74.50", 8, "0.9 litres, for the stove."),
    _product("kitchen", "Stoneware Mug", "11.00", 150, "Holds 300 ml, glazed by hand."),
    _product("books", "The Shopkeeper's Handbook", "24.00", 35, "Two hundred years of selling."),
    _product("books", "Small Shops, Big Systems", "39.00", 15, "Queues, ledgers and sagas."),
    _product("books", "A Field Guide to Coffee", "18.50", 30, "From the tree to the cup."),
    _product("books", "The Last Mug on the Shelf", "9.99", 6, "A mystery."),
)
