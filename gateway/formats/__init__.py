"""Bytes in, records out: every value knows its place in the source. See README.md."""

from gateway.formats.parse import read
from gateway.formats.record import DELETE, Record

__all__ = ["DELETE", "Record", "read"]
