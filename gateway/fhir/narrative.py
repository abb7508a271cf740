"""What a narrative may hold: the XHTML subset of R4 as an allow-list of elements, attributes and addresses.

In: the text of `Narrative.div`. Out: the first thing that is not allowed, "" when all is. Comments, CDATA, processing
instructions and DOCTYPE are refused as well: a browser reads them in other ways than XML does.
Source: R4 narrative.html, rules txt-1 and txt-2; images only from inside the document (design default: a foreign
image tells its server who reads which record).
"""

from __future__ import annotations

import re
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"
_ELEMENT_NAMES = """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q s samp small span strike strong sub sup table tbody td
    tfoot th thead tr tt u ul var
"""
_ATTRIBUTE_NAMES = """
    abbr accesskey align alt axis border cellpadding cellspacing char charoff cite class colspan compact
    coords dir frame headers height href hspace id lang name noshade nowrap rowspan rules scope shape size
    span src start style summary tabindex title type usemap valign value vspace width
"""
_ELEMENTS, _ATTRIBUTES = frozenset(_ELEMENT_NAMES.split()), frozenset(_ATTRIBUTE_NAMES.split())
_LINK = re.compile(r"(?:https?|mailto|tel):|[^:]*(?:[#/?]|\Z)", re.IGNORECASE)
_IMAGE = re.compile(r"#|data:image/(?:png|jpeg|gif);base64,", re.IGNORECASE)
# What a style can do besides looking: load from an address, run (old browsers), or hide either behind an escape.
_STYLE = re.compile(r"url\s*\(|expression|import|behavior|binding|javascript|[\\@<]", re.IGNORECASE)
_ADDRESSES = {"href": _LINK, "cite": _LINK, "src": _IMAGE, "usemap": re.compile("#")}


def forbidden_in(text: str) -> str:
    """Return what ``text`` holds that a narrative may not, in a few words; "" when it is a good one."""
    return _Reader().read(text)


class _Reader:
    """Reads one narrative as XML and remembers the first thing that is not allowed."""

    def __init__(self) -> None:
        self.found, self.depth, self.says_something = "", 0, False
        parser = expat.ParserCreate("UTF-8", " ")
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.text
        parser.CommentHandler = lambda _: self.refuse("a comment")
        parser.StartCdataSectionHandler = lambda: self.refuse("a CDATA section")
        parser.ProcessingInstructionHandler = lambda *_: self.refuse("a processing instruction")
        parser.StartDoctypeDeclHandler = lambda *_: self.refuse("a DOCTYPE")
        self.parser = parser

    def read(self, text: str) -> str:
        try:
            self.parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        except expat.ExpatError:
            return self.found or "what is not well-formed XML"
        except _Refused:
            return self.found
        return "" if self.says_something else "nothing but white space"

    def refuse(self, what: str) -> None:
        self.found = what
        raise _Refused

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, element = name.rpartition(" ")
        if namespace != _XHTML or element not in _ELEMENTS or (self.depth == 0 and element != "div"):
            self.refuse(f"the element {_shown(element)} here")
        for attribute, value in attributes.items():
            self.attribute(attribute.removeprefix(f"{_XML} "), value)
        self.depth += 1
        self.says_something |= element == "img"

    def attribute(self, name: str, value: str) -> None:
        if name not in _ATTRIBUTES:
            self.refuse(f"the attribute {_shown(name)}")
        address = _ADDRESSES.get(name)
        if (address and not address.match(value.strip())) or (name == "style" and _STYLE.search(value)):
            self.refuse(f"this value of {name}")

    def end(self, _: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        self.says_something |= not data.isspace()


class _Refused(Exception):  # noqa: N818 - ends the reading, never leaves this module
    """The narrative holds something that is not allowed."""


def _shown(name: str) -> str:
    return name[:32] if name.isascii() and name.replace("-", "").isalnum() else "?"
