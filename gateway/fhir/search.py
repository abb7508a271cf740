"""Search as R4 says it: reads a query string into a `Query`, draws index entries from resources.

In: the decoded (name, value) pairs of a query string or form. Out: a `Query` that a store can answer whole, and
warnings for unknown parameters. Refuses by name everything that R4 knows but is not built: a parameter that
were ignored would widen the answer. Source: R4 search.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gateway.fhir import definitions, includes, modifiers, subset
from gateway.fhir.extract import converter_of, extract, values_of
from gateway.fhir.paths import paths
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import Clause, Has, Include, Query, Sort
from gateway.fhir.terms import CANONICAL, terms_of
from gateway.fhir.wire import PERSONAL

__all__ = ["MAX_COUNT", "extract", "included_by", "params_of", "parse", "supported", "targets_of", "values_of"]

# Entries of one page; a page must stay well under the reply cap of the doors (200 x 20 kB = 4 MB).
MAX_COUNT = 200

# Clauses and OR-ed values of one search: each costs an index probe (design default).
MAX_CLAUSES = 32
MAX_TERMS = 100
# Keys of one order: a cursor holds a value of each (design default).
MAX_SORTS = 5
# Steps of one chain, forward or reverse: each is a search of its own (design default).
MAX_STEPS = 8

_CLAUSE_TYPES = frozenset(
    ("token", "identifier", "reference", "date", "string", "uri", "number", "quantity", "near", "composite")
)
_SORT_TYPES = frozenset(("date", "token", "identifier", "string", "number", "quantity", "reference", "uri"))
_DOORS = frozenset(("_format", "_pretty"))
_STRUCTURE = frozenset(("_has", "_list"))
_RESULT = frozenset(("_count", "_sort", "_total", "_cursor", "_summary", "_elements"))

# Everything else that R4 defines for results or across types (search.html#table, http.html#general).
_UNBUILT = frozenset(
    (
        *("_contained", "_containedType", "_filter"),
        *("_query", "_score", "_type"),
        *("_since", "_at"),
    )
)
# A chain must name one target; these references have one in this hub's use (domain: a task's owner is a tier).
_CHAIN_TARGET = {("Task", "owner"): "Organization"}


def parse(kind: str, pairs: Sequence[tuple[str, str]], *, strict: bool, base: str = "") -> tuple[Query, list[Problem]]:
    """Return the `Query` on ``kind`` that ``pairs`` ask for, and a warning for each unknown parameter.

    ``strict`` (Prefer: handling=strict) makes unknown parameters errors; ``base`` is this server's own address,
    whose absolute references are understood. Raises `Problems` with every error found.
    """
    reader = _Reader(kind, strict=strict, base=base)
    for name, value in pairs:
        try:
            reader.read(name, value)
        except Problem as problem:
            reader.errors.append(problem)
    if len(reader.clauses) > MAX_CLAUSES:
        reader.errors.append(Problem("FHIR-046", name=kind, limit=MAX_CLAUSES))
    if len(reader.includes) > includes.MAX_INCLUDES:
        reader.errors.append(Problem("FHIR-046", where="http._include", name="_include", limit=includes.MAX_INCLUDES))
    if reader.errors:
        raise Problems(reader.errors)
    return reader.query(), reader.warnings


@cache
def params_of(kind: str) -> dict[str, str]:
    """Return {name: FHIR search type} of the parameters that `parse` accepts for ``kind``, in name order."""
    own = {
        name: parameter.type
        for name, parameter in definitions.search_parameters(kind).items()
        if _clause_type(kind, name) in _CLAUSE_TYPES
    }
    return dict(sorted({**own, "_id": "token", "_lastUpdated": "date"}.items()))


def supported(kind: str) -> bool:
    """Tell whether ``kind`` is a concrete R4 resource type, so that it can be searched."""
    return kind in definitions.kinds()


@cache
def _clause_type(kind: str, name: str) -> str:
    """Return the clause's type, "" where the parameter cannot be asked.

    "identifier" where every value of the token is an Identifier or a ContactPoint; "near" is R4's special one.
    """
    if name in modifiers.WORDS:
        return "string"
    parameter = definitions.search_parameters(kind)[name]
    if not parameter.expression or name in ("_id", "_lastUpdated"):
        return ""
    if parameter.type == "composite":
        # A component from elsewhere in the resource does not stand in the element that the others stand in.
        return "" if any("%" in each.expression for each in parameter.components) else "composite"
    found = [path for path in paths(parameter.expression, kind) if converter_of(path, parameter.type)]
    if not found:
        return ""
    types = {path.type for path in found}
    if parameter.type == "token" and (types <= {"Identifier", "ContactPoint"} or (kind, name) == ("Device", "din")):
        return "identifier"
    return "near" if parameter.type == "special" else parameter.type


@cache
def included_by(kind: str) -> tuple[str, ...]:
    """Return the reference parameters of ``kind`` that `_include` follows, in name order."""
    return includes.references(kind, targets=targets_of)


@cache
def targets_of(kind: str, name: str) -> tuple[str, ...]:
    """Return the kinds that a reference parameter may point to: R4's list, cut to what its expression lets through."""
    parameter = definitions.search_parameters(kind)[name]
    if parameter.type != "reference":
        return ()
    allowed: set[str] = set()
    for path in paths(parameter.expression, kind):
        refers = {step.name for step in path.steps if step.op == "refers"}
        bound = path.element.targets if path.element is not None else frozenset()
        allowed |= refers or bound or set(parameter.targets)
    return tuple(sorted(allowed & set(parameter.targets) or parameter.targets))


@cache
def _addressed(kind: str, name: str) -> bool:
    """Tell whether values of the reference parameter are canonical or other addresses, not references alone."""
    parameter = definitions.search_parameters(kind)[name]
    types = {path.type for path in paths(parameter.expression, kind)} if parameter.type == "reference" else set()
    return bool(types & {"canonical", "uri", "Attachment"})


class _Reader:
    """Collects what the pairs of one query say."""

    def __init__(self, kind: str, *, strict: bool, base: str, steps: int = 0) -> None:
        if not supported(kind):
            raise Problems([Problem("FHIR-006", kind=_shown(kind))])
        self.kind, self.strict, self.base, self.steps = kind, strict, base, steps
        self.clauses: list[Clause] = []
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.sort: list[Sort] = []
        self.includes: list[Include] = []
        self.results: dict[str, str] = {}

    def read(self, name: str, value: str) -> None:
        """Take one pair; raises Problem."""
        if name in _DOORS:
            return
        if name == "_sort":
            for key in value.split(","):
                self.sort.append(self.sort_key(key))
        elif name in _RESULT:
            self.take_result(name, value)
        elif name.partition(":")[0] in includes.NAMES:
            self.includes.append(includes.include_of(self.kind, name, value, targets=targets_of))
        elif name.split(":")[0].split(".")[0] in _UNBUILT:
            raise Problem("FHIR-041", where=_where(name), name=_shown(name))
        elif value == "":
            raise Problem("FHIR-042", where=_where(name), name=_shown(name), reason="empty")
        elif (clause := self.clause(name, value)) is not None:
            self.clauses.append(clause)

    def clause(self, name: str, value: str) -> Clause | None:
        base = name.partition(":")[0].partition(".")[0]
        if base in _STRUCTURE:
            return self.reverse(name, value) if base == "_has" else self.listed(name, value)
        head, dot, rest = name.partition(".")
        param, colon, modifier = head.partition(":")
        if param in ("_id", "_lastUpdated"):
            return self.common(name, value)
        if param not in definitions.search_parameters(self.kind):
            self.unknown(name)
            return None
        type_ = _clause_type(self.kind, param)
        targets: tuple[str, ...] = ()
        if type_ == "reference" and not (colon and modifiers.allowed(type_, modifier)):
            targets, modifier = self.targets(param, modifier, name), ""
        if type_ not in _CLAUSE_TYPES or not modifiers.allowed(type_, modifier) or (dot and modifier):
            raise Problem("FHIR-041", where=_where(name), name=_shown(name))
        if dot:
            return self.chain(param, targets, rest, value)
        if _addressed(self.kind, param):
            targets = (*targets, CANONICAL)
        if type_ == "composite":
            return self.composite(param, value)
        found = modifiers.clause(param, type_, modifier, value, targets=targets, base=self.base)
        _limit(name, len(found.terms))
        return found

    def composite(self, param: str, value: str) -> Clause:
        components = definitions.search_parameters(self.kind)[param].components
        asked = [(each, targets_of(self.kind, each.name) if each.type == "reference" else ()) for each in components]
        found = modifiers.composite(param, asked, value, base=self.base)
        _limit(param, len(found.terms))
        return found

    def common(self, name: str, value: str) -> Clause:
        if name == "_id":
            terms = terms_of("id", name, value)
            _limit(name, len(terms))
            return Clause(name, "id", terms)
        if name == "_lastUpdated":
            return Clause(name, "lastUpdated", terms_of("date", name, value))
        raise Problem("FHIR-041", where=_where(name), name=_shown(name))

    def unknown(self, name: str) -> None:
        if self.strict:
            raise Problem("FHIR-045", where=_where(name), kind=self.kind, name=_shown(name))
        self.warnings.append(
            Problem("FHIR-040", where=_where(name), severity="warning", kind=self.kind, name=_shown(name))
        )

    def targets(self, param: str, modifier: str, name: str) -> tuple[str, ...]:
        """Return the kinds that the reference ``param`` may point to, one when ``modifier`` names it."""
        found = targets_of(self.kind, param)
        if not modifier:
            return found
        if modifier not in found:
            raise Problem("FHIR-041", where=_where(name), name=_shown(name))
        return (modifier,)

    def chain(self, param: str, targets: tuple[str, ...], rest: str, value: str) -> Clause:
        """Return the clause of a chain; what follows the first dot is read as a search on the target."""
        name = f"{param}.{rest}"
        if _clause_type(self.kind, param) != "reference":
            raise Problem("FHIR-041", where=_where(name), name=_shown(name))
        target = self.chain_target(param, targets, rest)
        return Clause(param, "reference", chain=Query(target, (self.step(target, name, rest, value),)))

    def reverse(self, name: str, value: str) -> Clause:
        """Return the clause of `_has:Type:reference:rest`; ``rest`` is read as a search on Type, and may chain."""
        _, kind, param, rest = (*name.split(":", 3), "", "", "")[:4]
        known = definitions.search_parameters(kind) if supported(kind) else {}
        if not rest or param not in known or self.kind not in targets_of(kind, param):
            raise Problem("FHIR-061", where=_where(name), name=_shown(name))
        return Clause("_has", "has", has=Has(kind, param, self.step(kind, name, rest, value)))

    def listed(self, name: str, value: str) -> Clause:
        """Return the clause of `_list`: what a List of that id refers to (R4 search.html#list)."""
        if name != "_list":
            raise Problem("FHIR-041", where=_where(name), name=_shown(name))
        terms = terms_of("id", name, value)
        _limit(name, len(terms))
        return Clause(name, "has", has=Has("List", "item", Clause("_id", "id", terms)))

    def step(self, kind: str, name: str, rest: str, value: str) -> Clause:
        """Return the clause of ``rest`` on ``kind``, one step further in a chain called ``name``."""
        if self.steps >= MAX_STEPS:
            raise Problem("FHIR-046", where=_where(name), name=_shown(name), limit=MAX_STEPS)
        inner = _Reader(kind, strict=True, base=self.base, steps=self.steps + 1).clause(rest, value)
        if inner is None:
            raise Problem("FHIR-045", where=_where(name), kind=kind, name=_shown(rest))
        return inner

    def chain_target(self, param: str, targets: tuple[str, ...], rest: str) -> str:
        default = _CHAIN_TARGET.get((self.kind, param), "")
        if len(targets) == 1 or default in targets:
            return targets[0] if len(targets) == 1 else default
        example = f"{param}:{'Patient' if 'Patient' in targets else targets[0] if targets else 'Patient'}"
        raise Problem("FHIR-043", where=_where(param), name=param, example=f"{example}.{_shown(rest)}")

    def sort_key(self, key: str) -> Sort:
        name = key.removeprefix("-")
        known = name in ("_id", "_lastUpdated") or (
            name in definitions.search_parameters(self.kind) and _clause_type(self.kind, name) in _SORT_TYPES
        )
        if not known:
            raise Problem("FHIR-044", where="_sort", name=_shown(name))
        if len(self.sort) >= MAX_SORTS:
            raise Problem("FHIR-046", where="http._sort", name="_sort", limit=MAX_SORTS)
        return Sort(name, descending=key.startswith("-"))

    def take_result(self, name: str, value: str) -> None:
        if name in self.results:
            raise Problem("FHIR-042", where=name, name=name, reason="given twice")
        if name == "_count" and not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise Problem("FHIR-042", where=name, name=name, reason="0, 1, 2, ...")
        if name == "_total" and value not in ("none", "estimate", "accurate"):
            raise Problem("FHIR-042", where=name, name=name, reason="none | estimate | accurate")
        self.results[name] = value
        if name in subset.NAMES:
            subset.portion(tuple(self.results.items()), self.kind)

    def query(self) -> Query:
        """Return what was read; `_count=0` means only the total."""
        wanted = subset.portion(tuple(self.results.items()), self.kind)
        # A summary that is a count is the total and nothing else (R4 search.html#summary).
        count = 0 if wanted.summary == "count" else min(int(self.results.get("_count", "20")), MAX_COUNT)
        total = self.results.get("_total", "none")
        return Query(
            self.kind,
            clauses=tuple(self.clauses),
            sort=tuple(self.sort),
            count=count,
            cursor=self.results.get("_cursor", ""),
            total=count == 0 or total != "none",
            estimate=total == "estimate",
            summary=wanted.summary,
            elements=wanted.elements,
            includes=tuple(dict.fromkeys(self.includes)),
        )


def _limit(name: str, terms: int) -> None:
    if terms > MAX_TERMS:
        raise Problem("FHIR-046", where=_where(name), name=_shown(name), limit=MAX_TERMS)


def _where(name: str) -> str:
    return f"http.{_shown(name)}"


def _shown(name: str) -> str:
    """Return a name that a stranger sent as far as it can be shown: cut, and only when it looks like a name."""
    plain = name.isascii() and all(char.isalnum() or char in "_-.:" for char in name)
    return name[:64] if plain and not PERSONAL.search(name) else "?"
