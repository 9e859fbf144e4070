"""`make mutants`: the design is broken in ways that have names, and each must turn a test red.

A test that stays green when what it is about is taken away shows nothing. The catalogue says what can be taken away and
which tests are to miss it; each mutant is tried in a copy of the project of its own.
"""
