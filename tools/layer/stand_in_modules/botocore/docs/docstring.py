"""Each method of a client has a docstring, written when somebody asks for it. Nobody does in
Lambda."""


class LazyLoadedDocstring(str):
    __slots__ = ()

    def __new__(cls, *_: object, **__: object) -> "LazyLoadedDocstring":
        return super().__new__(cls, "left out of the layer")


class ClientMethodDocstring(LazyLoadedDocstring):
    __slots__ = ()


class PaginatorDocstring(LazyLoadedDocstring):
    __slots__ = ()


class WaiterDocstring(LazyLoadedDocstring):
    __slots__ = ()
