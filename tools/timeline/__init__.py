"""`make order` and `make request`: what has happened to one order, or because of one request, in
the order of time, from the tables, the logs and the traces.
"""
