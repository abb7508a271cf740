"""Keys, sealed bodies, keyed hashes and signed notes; everything secret comes from one key file."""

from security.crypto.envelope import Keys
from security.crypto.notes import verify_note

__all__ = ["Keys", "verify_note"]
