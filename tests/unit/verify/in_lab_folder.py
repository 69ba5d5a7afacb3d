"""How the tests start pytest in a lab folder."""

PYTEST = ("-p", "verify.plugin", "-p", "no:cacheprovider", "verify")
"""The plugin is named, because the checkout may have been installed before it was an entry point."""
