"""What must hold of people who were erased: the shop's books tell nobody any more who they were, and say so."""

from collections.abc import Iterator

from shared.contracts.erasure import ERASED
from tests.support.books import Books, Witness


def erased_users(books: Books) -> set[str]:
    """The ids of those who were erased."""
    return {id_ for id_, user in books.users.items() if "erased_at" in user}


def nothing_tells_who_an_erased_user_was(books: Books, witness: Witness) -> Iterator[str]:
    """Their address, and their name if no one else has it, is in no item of any table."""
    erased = erased_users(books) & witness.registered.keys()
    names = {name for id_, (_, name) in witness.registered.items() if id_ not in erased}
    texts = [(item, repr(item)) for item in books.everything] if erased else []
    for told in {told for id_ in erased for told in witness.registered[id_]} - names:
        for item, text in texts:
            if told in text:
                yield f"{item['pk']} {item['sk']} still tells of {told}"


def an_erasure_is_said_where_it_was_done(books: Books, _: Witness) -> Iterator[str]:
    """Once by the user's events and in the history of each of their orders; of what they were told nothing is left."""
    erased = erased_users(books)
    owners = {id_: order["user_id"] for id_, order in books.orders.items()} | {u: u for u in erased}
    for id_, owner in owners.items():
        types = [fact.type for fact in books.events.get(id_, [])]
        if types.count("user.erased") != (owner in erased):
            yield f"{id_} of {owner} has the history {types}"
    for notification in books.notifications:
        if notification["pk"].removeprefix("USER#") in erased and notification["body"] != ERASED:
            yield f"notification {notification['id']} of an erased user still says something"
