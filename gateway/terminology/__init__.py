"""Codes: what they mean, which sets they are in, what they are in another system."""

from gateway.terminology.reading import loadables
from gateway.terminology.service import ALL, MAX_PAGE, Terminology
from gateway.terminology.sheet import concepts
from gateway.terminology.shipped import shipped
from gateway.terminology.values import Ask, CodeSystem, Expansion, Head, Known, Lookup, Translation, Validity, word

__all__ = [
    "ALL",
    "MAX_PAGE",
    "Ask",
    "CodeSystem",
    "Expansion",
    "Head",
    "Known",
    "Lookup",
    "Terminology",
    "Translation",
    "Validity",
    "concepts",
    "loadables",
    "shipped",
    "word",
]
