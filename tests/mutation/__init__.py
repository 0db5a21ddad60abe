"""Mutation run: small changes are made to the client's modules, and a test has to fail for each.

    python -m tests.mutation            all modules, as `[tool.mutants]` of pyproject.toml configures
    python -m tests.mutation --sample 8 --seed 3 smartdc/_http/retry.py smartdc/api

It takes three steps. The tests run once, to record which test runs which line (`mapping`). Then one
process collects all tests, and forks for each mutant: the child changes the code in place (`transplant`) and
runs the tests of the changed lines, the quick ones first, until one fails (`trial`). A survivor is written
into a copy of the project and tried again in a new process: only that result counts against the tests.
`equivalents.toml` lists the mutants that no test can tell from the original, with reasons.

Why no published tool is used: half of the mutants that cosmic-ray makes here change the ``|`` of an
annotation, each costs the start of a process, and none drops a statement or a part of a condition. mutmut
leaves out functions that have a decorator, and values of modules and classes.
"""
