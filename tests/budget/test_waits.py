"""docs/waits.md, held to the template and the clients: a time-out or an attempt changes only
together with its table."""

from tests.budget import waits


def test_the_document_says_what_the_template_and_the_clients_wait_for() -> None:
    assert waits.DOCUMENT.read_text() == waits.document(), "`make tables` writes it anew"
