"""The audit journal: entries that nobody can change unnoticed, and the tools that read and verify them."""

from security.audit.export import Exported, export
from security.audit.findings import Finding
from security.audit.fsck import Report, verify
from security.audit.journal import Journal, Limits
from security.audit.record import Entry, blind_query, entry, stranger
from security.audit.search import Filter, Page, find, tail
from security.audit.view import render

__all__ = [
    "Entry",
    "Exported",
    "Filter",
    "Finding",
    "Journal",
    "Limits",
    "Page",
    "Report",
    "blind_query",
    "entry",
    "export",
    "find",
    "render",
    "stranger",
    "tail",
    "verify",
]
