"""The typed tree between a map's text and its compiled function. Frozen values; every node knows its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.mapping.tables import Table

OnError = Literal["reject", "drop-element", "drop-resource"]


@dataclass(frozen=True, slots=True)
class Field:
    """One declared source path: its label and how its values are masked."""

    path: str
    zh: str
    mask: str = "text"


@dataclass(frozen=True, slots=True)
class Selector:
    """Pick by number (1-based), or where ``index``.``component`` equals ``value``."""

    number: int = 0
    index: int = 0
    component: int = 1
    value: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a `%` pattern and the loops whose position fills it."""

    pattern: str
    spots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, already of the type it needs."""

    value: Any


@dataclass(frozen=True, slots=True)
class FromContext:
    """A value of the run's context, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Keys (str) and positions (int) below ``root``: "" the record, else a loop or a scorer."""

    root: str
    keys: tuple[str | int, ...]
    place: Place
    field: Field


@dataclass(frozen=True, slots=True)
class V2Path:
    """An HL7 v2 value: ``index`` 0 means the segment itself (or, with a repetition as root, the repetition)."""

    root: str
    segment: str
    picked: Selector | None
    index: int
    repetition: Selector | None
    component: int
    subcomponent: int
    place: Place
    field: Field


Access = Constant | FromContext | JsonPath | V2Path


@dataclass(frozen=True, slots=True)
class Template:
    """A `%s` pattern and the values that fill it."""

    pattern: str
    parts: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One transform: texts and tables are constants, values are read."""

    name: str
    texts: tuple[str, ...] = ()
    table: Table | None = None
    values: tuple[tuple[Access, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """What a rule reads: the first filled of ``operands``, through ``calls``."""

    operands: tuple[Access | Template, ...]
    calls: tuple[Call, ...] = ()

    def accesses(self) -> list[Access]:
        """Return everything that is read, in order."""
        found: list[Access] = []
        for operand in self.operands:
            found += operand.parts if isinstance(operand, Template) else (operand,)
        for call in self.calls:
            for alternatives in call.values:
                found += alternatives
        return found

    @property
    def is_constant(self) -> bool:
        """Return whether nothing of the record is read."""
        return all(isinstance(access, (Constant, FromContext)) for access in self.accesses())


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a condition; see `syntax.Test`."""

    op: str
    left: Value
    right: Value | None = None
    choices: frozenset[str] = frozenset()
    __test__ = False  # not a pytest class


@dataclass(frozen=True, slots=True)
class Combined:
    """and, or, not."""

    op: str
    parts: tuple[Condition, ...]


Condition = Test | Combined


@dataclass(frozen=True, slots=True)
class Rule:
    """What the runtime knows of a leaf when it fails or is traced."""

    line: int
    target: str
    source: Place
    field: Field
    on_error: OnError
    text: str


@dataclass(frozen=True, slots=True)
class Loop:
    """`each: over as name`: ``kind`` is json, entries, segment, repetition or resources."""

    name: str
    kind: str
    over: Access
    line: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One rule: value, checker of the target's primitive ("" when a transform made it whole), rule number."""

    line: int
    value: Value
    check: str
    rule: int
    required: bool = False
    when: Condition | None = None
    is_list: bool = False
    as_reference: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """One element of an object."""

    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Object:
    """An object of an R4 type; ``needed`` are the groups of which one name each must come out."""

    line: int
    type: str
    children: tuple[Child, ...]
    needed: tuple[tuple[str, ...], ...]
    target: str
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, perhaps repeated; ``moves`` when its position is known only at run time."""

    node: Node
    loop: Loop | None = None
    when: Condition | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list element."""

    line: int
    items: tuple[Item, ...]


Node = Leaf | Object | Items


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the map."""

    line: int
    kind: str
    body: Object
    loop: Loop | None = None
    when: Condition | None = None
    can_drop: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer; ``items`` is read as an object."""

    line: int
    name: str
    scorer: str
    items: Access
    coma: Condition | None
    dementia_or_mental: Condition | None
    risk_events: tuple[Access, ...]
    total: Access | None
    level: Access | None


@dataclass(frozen=True, slots=True)
class Check:
    """One cross-field check."""

    line: int
    name: str
    that: Condition
    when: Condition | None
    loop: Loop | None
    at: Place
    where: str
    severity: Literal["error", "warning"]
    zh: str
    en: str


@dataclass(slots=True)
class Program:
    """A whole map, checked."""

    feed: str
    version: str
    title: str
    rank: int
    format: Literal["json", "hl7v2"]
    message: Access | None = None
    stay: Access | None = None
    fields: dict[str, Field] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    tables: dict[str, Table] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    merge: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
