"""Who is this elder: exact match on verified identifiers, a new id, or a person's review. See README.md."""

from gateway.identity.resolve import Identity, Resolution

__all__ = ["Identity", "Resolution"]
