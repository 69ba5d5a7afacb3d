"""Careless inputs: what people type and leave lying about, made and tried on every command it fits.

`inputs` makes them, `trial` says what one is and what is wrong with what came of it. The quick ones run in this process
(tests/unit/cli/test_careless.py), the others as processes (tests/integration/careless).
"""
