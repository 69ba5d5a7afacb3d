"""Tasks for `fab`: `fab -l` lists them."""

from provision.tasks import namespace

__all__ = ["namespace"]
