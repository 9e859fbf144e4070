"""`make mutants`: breaks the design on purpose, one bug at a time, and expects a test to fail each
time.

`seeded.py` lists the design bugs that no library makes: a lost condition, a missing event, a stale
read, steps in the wrong order. Each is an edit of a function's syntax tree, found by the function's
name. `plugin.py` applies one of them while pytest imports the module, so no file changes.
`library.py` runs cosmic-ray on one module, for small faults such as `<` in place of `<=`.
"""
