"""What tests share: the template as data, tables made from it, callers, and HTTP without a
server."""
