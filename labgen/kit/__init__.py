"""A classroom kit: a folder from which labgen is installed and a lab comes up without a network.

::

    lock file ──▶ wheels for each platform and Python ─┐
    labgen itself ──▶ its wheel ───────────────────────┼─▶ folder ─▶ manifest.json: size and SHA-256 of every file
    cache ──▶ boxes, node images ──────────────────────┤
    texts ──▶ start pages, lab.yml, check.py ──────────┘

A teacher makes it where there is a network. On a learner's computer `check.py`, which needs nothing but Python, or
`labgen kit check` proves it complete and says what to type next.
"""
