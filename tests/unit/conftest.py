"""What every unit test shares."""

# Before any test imports an exercise's checks: their assertions can be rewritten only as they are imported first.
from verify import collection  # noqa: F401
