"""pydantic looks for plugins in the metadata of every installed package, with what can read zip
files. There are none."""


def get_plugins() -> tuple[()]:
    return ()
