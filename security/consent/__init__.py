"""Consent: what an elder allows whom, compiled so that a decision is two look-ups."""

from security.consent.book import ConsentBook, Grants
from security.consent.parse import Rule, parse

__all__ = ["ConsentBook", "Grants", "Rule", "parse"]
