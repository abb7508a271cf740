"""Verify the store: is every version what was written, found by what it should be, and none lost or put back?"""

from gateway.store.postgres.fsck.check import Report, verify
from gateway.store.postgres.fsck.findings import Finding

__all__ = ["Finding", "Report", "verify"]
