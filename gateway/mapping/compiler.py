"""A map's text to a checked `ir.Program`: its sections in order, every mistake noted with line and column.

In: the text and a reader of CSV tables. Out: the program and the warnings. Refused: `Problems` of MAP-001, one per
mistake, all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import yaml

from gateway.fhir.problem import Problem, Problems
from gateway.mapping import ir
from gateway.mapping.model import R4, Model
from gateway.mapping.paths import Alias, Name, Paths, Scope, ScoreVar
from gateway.mapping.rules import Rules
from gateway.mapping.scorers import FIELDS, SCORERS
from gateway.mapping.source import BrokenMap, Fault, compose, scalar
from gateway.mapping.syntax import Slip
from gateway.mapping.tables import KEYS, POLICIES, Table, TableError, Target
from gateway.mapping.tree import Fragment, Trees

SECTIONS: Final = ("map", "version", "title", "rank", "source", "unused", "on_unmapped", "let", "tables", "fragments",
                   "scorers", "checks", "merge", "resources")  # fmt: skip
MASKS: Final = ("none", "id", "name", "phone", "address", "date", "text")
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}", re.ASCII)
_FEED = re.compile(r"[a-z]+/[a-z0-9-]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
T = TypeVar("T")
ReadTable = Callable[[str], dict[str, Target]]


def compile_program(
    text: str, *, file: str, read_table: ReadTable, model: Model | None = None
) -> tuple[ir.Program, list[Problem]]:
    """Return the program of a map and its warnings (MAP-002); ``file`` names it in problems.

    Raises Problems of MAP-001 when anything is wrong, each with `file:line:column` as source.
    """
    try:
        top = compose(text)
    except BrokenMap as broken:
        raise Problems([_problem(broken.fault, file)]) from None
    builder = _Builder(top, read_table, model or R4())
    program = builder.build()
    problems = [_problem(fault, file) for fault in sorted(builder.faults, key=lambda f: (f.line, f.column))]
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or program is None:
        raise Problems(errors)
    return program, problems


def _problem(fault: Fault, file: str) -> Problem:
    code, severity = ("MAP-001", "error") if fault.is_error else ("MAP-002", "warning")
    source = f"{file}:{fault.line}:{fault.column}"
    return Problem(code, source=source, severity=severity, reason=fault.text)  # type: ignore[arg-type]


@dataclass
class _Builder:
    """Walk the sections of one map."""

    top: yaml.MappingNode
    read_table: ReadTable
    model: Model
    faults: list[Fault] = field(default_factory=list)

    def build(self) -> ir.Program | None:
        sections = self._pairs(self.top)
        for name, (key, _) in sections.items():
            if name not in SECTIONS:
                self.note(key, f"{name!r} is no section of a map ({', '.join(SECTIONS)})")
        self.sections = {name: value for name, (_, value) in sections.items()}
        program = self._head()
        if program is None:
            return None
        self.scope: dict[str, Name] = {}
        self._let()
        paths = Paths(program.format, program.fields)
        self.rules = Rules(paths, program.tables, self.model.is_resource)
        self._tables(program)
        self.trees = Trees(self.model, self.rules, self.note)
        self._source_paths(program)
        self._scorers(program)
        self._fragments()
        self._checks(program)
        self._resources(program)
        self._merge(program)
        program.rules = self.trees.leaves.table
        program.used = paths.used
        self._leftovers(program)
        return program

    def note(self, node: yaml.Node | None, text: str, *, is_error: bool = True) -> None:
        mark = (node or self.top).start_mark
        self.faults.append(Fault(mark.line + 1, mark.column + 1, text, is_error))

    def _pairs(self, node: yaml.Node | None, what: str = "this") -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return a mapping node's pairs by key; a key twice, or another node, is noted."""
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.note(node, f"{what} is a mapping")
            return {}
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.value in found:
                self.note(key, f"{key.value!r} is there twice")
            else:
                found[key.value] = (key, value)
        return found

    def _list(self, name: str) -> list[yaml.Node]:
        node = self.sections.get(name)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.note(node, f"{name} is a list")
            return []
        return list(node.value)

    def _texts(self, node: yaml.Node | None, what: str) -> list[str]:
        """Return the items of a list of plain texts, none for an absent one; anything else is noted."""
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        if (node is not None and not isinstance(node, yaml.SequenceNode)) or not all(
            isinstance(item, yaml.ScalarNode) for item in items
        ):
            self.note(node, f"{what}: a list of plain texts is expected")
            return []
        return [str(item.value) for item in items]

    def _scalar(self, node: yaml.Node | None, what: str, pattern: re.Pattern[str] | None = None) -> str:
        if not isinstance(node, yaml.ScalarNode) or (pattern and not pattern.fullmatch(node.value)):
            self.note(node, f"{what} is missing or malformed")
            return ""
        return str(node.value)

    def _head(self) -> ir.Program | None:
        feed = self._scalar(self.sections.get("map"), "map: tier/feed", _FEED)
        version = self._scalar(self.sections.get("version"), "version: 1.2.3", _VERSION)
        source = self._pairs(self.sections.get("source"), "source")
        format_ = source.get("format", (None, None))[1]
        title = self.sections.get("title")
        rank = self.sections.get("rank")
        if not isinstance(format_, yaml.ScalarNode) or format_.value not in ("json", "hl7v2"):
            self.note(format_ or self.sections.get("source"), "source.format is json or hl7v2")
            return None
        return ir.Program(
            feed=feed,
            version=version,
            title=str(title.value) if isinstance(title, yaml.ScalarNode) else feed,
            rank=int(self._scalar(rank, "rank: a number", re.compile(r"\d{1,4}")) or 0) if rank else 0,
            format=format_.value,
            fields=self._fields(source.get("fields", (None, None))[1]),
            unused=frozenset(self._texts(self.sections.get("unused"), "unused")),
        )

    def _fields(self, node: yaml.Node | None) -> dict[str, ir.Field]:
        fields: dict[str, ir.Field] = {}
        if node is None:
            self.note(self.sections.get("source"), "source.fields names every path the map reads")
        for path, (key, value) in self._pairs(node, "source.fields").items():
            if isinstance(value, yaml.ScalarNode):
                fields[path] = ir.Field(path, value.value)
                continue
            spec = self._pairs(value, "a field")
            label = spec.get("zh", (None, None))[1]
            mask = spec.get("mask", (None, None))[1]
            mask_name = str(mask.value) if isinstance(mask, yaml.ScalarNode) else "text"
            if mask_name not in MASKS:
                self.note(mask, f"mask is one of {', '.join(MASKS)}")
            if not isinstance(label, yaml.ScalarNode) or set(spec) - {"zh", "mask", "type", "note"}:
                self.note(key, "a field is {zh: label, mask: ...}")
                continue
            fields[path] = ir.Field(path, label.value, mask_name)
        return fields

    def _let(self) -> None:
        for name, (key, value) in self._pairs(self.sections.get("let"), "let").items():
            text = self._scalar(value, f"let {name}: a path or =text")
            if not _NAME.fullmatch(name) or "." in name:
                self.note(key, f"{name!r} is no name")
            self.scope[name] = Alias(text.removeprefix("="), is_constant=text.startswith("="))

    def _tables(self, program: ir.Program) -> None:
        policy = self._policy(self.sections.get("on_unmapped"), "text-only")
        for name, (key, node) in self._pairs(self.sections.get("tables"), "tables").items():
            table = self._table(name, key, node, policy)
            if table is not None:
                program.tables[name] = table

    def _policy(self, node: yaml.Node | None, other: str) -> str:
        if node is None:
            return other
        if node.value not in POLICIES:
            self.note(node, f"on_unmapped is one of {', '.join(POLICIES)}")
        return str(node.value)

    def _table(self, name: str, key: yaml.Node, node: yaml.Node, policy: str) -> Table | None:
        pairs = self._pairs(node, f"table {name}")
        own = {word: pairs[word][1] for word in KEYS if word in pairs}
        rows = self._file_rows(own.get("file"))
        for code, (_, value) in pairs.items():
            if code in KEYS:
                continue
            target = self._target(value)
            if target is not None:
                rows[code] = target
        if not rows:
            self.note(key, f"table {name} is empty")
        return Table(
            name,
            rows,
            system=self._constant(own.get("system")),
            source=self._constant(own.get("source")),
            on_unmapped=self._policy(own.get("on_unmapped"), policy),
        )

    def _constant(self, node: yaml.Node | None) -> str:
        """Return a system: text, `=text`, the name of a `let` constant, or a template of those."""
        if node is None:
            return ""
        text = self._scalar(node, "a system")
        known = self.scope.get(text)
        if isinstance(known, Alias) and known.is_constant:
            return known.text
        constants = {name: one.text for name, one in self.scope.items() if isinstance(one, Alias) and one.is_constant}
        return re.sub(r"\{(\w+)\}", lambda found: constants.get(found[1], found[0]), text.removeprefix("="))

    def _file_rows(self, node: yaml.Node | None) -> dict[str, Target]:
        if node is None:
            return {}
        try:
            return self.read_table(self._scalar(node, "file"))
        except TableError as error:
            self.note(node, str(error))
            return {}

    def _target(self, node: yaml.Node) -> Target | None:
        if isinstance(node, yaml.ScalarNode) and node.value:
            return Target(code=node.value)
        if isinstance(node, yaml.SequenceNode) and 1 <= len(node.value) <= 2:
            parts = self._texts(node, "a row")
            return Target(*parts) if parts else None
        self.note(node, "a row is code: target or code: [target, display]")
        return None

    def _source_paths(self, program: ir.Program) -> None:
        source = self._pairs(self.sections.get("source"))
        for word in set(source) - {"format", "message", "stay", "fields"}:
            self.note(source[word][0], f"{word!r} is no key of source")
        program.message = self._access(source.get("message", (None, None))[1])
        program.stay = self._access(source.get("stay", (None, None))[1])

    def _access(self, node: yaml.Node | None) -> ir.Access | None:
        if node is None:
            return None
        return self._try(node, lambda: self.rules.access(scalar(node), self.scope))

    def _condition(self, node: yaml.Node | None, scope: Scope) -> ir.Condition | None:
        if node is None:
            return None
        return self._try(node, lambda: self.rules.condition(scalar(node), scope))

    def _try(self, node: yaml.Node | None, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Slip as slip:
            self.note(node, str(slip))
            return None

    def _scorers(self, program: ir.Program) -> None:
        for name, (key, node) in self._pairs(self.sections.get("scorers"), "scorers").items():
            keys = {word: value for word, (_, value) in self._pairs(node, f"scorer {name}").items()}
            unknown = set(keys) - {"scorer", "items", "coma", "dementia_or_mental", "risk_events", "total", "level"}
            scorer = str(getattr(keys.get("scorer"), "value", ""))
            items = self._access(keys.get("items"))
            if unknown or scorer not in SCORERS or not isinstance(items, ir.JsonPath):
                self.note(
                    key, f"a scorer needs scorer ({', '.join(SCORERS)}) and items; {', '.join(unknown) or 'no'} extra"
                )
                continue
            for part in ("key", "value"):
                self.rules.paths.used.add(f"{items.field.path}{{}}.{part}")
            events = keys.get("risk_events")
            if events is not None and not isinstance(events, yaml.SequenceNode):
                self.note(events, "risk_events is a list")
            risk = [self._access(one) for one in events.value] if isinstance(events, yaml.SequenceNode) else []
            program.scores.append(
                ir.Score(
                    line=key.start_mark.line + 1,
                    name=f"s_{len(program.scores)}",
                    scorer=scorer,
                    items=items,
                    coma=self._condition(keys.get("coma"), self.scope),
                    dementia_or_mental=self._condition(keys.get("dementia_or_mental"), self.scope),
                    risk_events=tuple(one for one in risk if one is not None),
                    total=self._access(keys.get("total")),
                    level=self._access(keys.get("level")),
                )
            )
            self.scope[name] = ScoreVar(f"s_{len(program.scores) - 1}", FIELDS)

    def _fragments(self) -> None:
        for name, (key, node) in self._pairs(self.sections.get("fragments"), "fragments").items():
            keys = {word: value for word, (_, value) in self._pairs(node, f"fragment {name}").items()}
            type_ = str(getattr(keys.get("type"), "value", ""))
            args = keys.get("args")
            body = keys.get("body")
            if self.model.children(type_) is None or not isinstance(body, yaml.MappingNode):
                self.note(key, "a fragment needs type (an R4 data type), args and body")
                continue
            names = tuple(self._texts(args, "args")) if args is not None else ()
            self.trees.fragments[name] = Fragment(type_, names, body)

    def _checks(self, program: ir.Program) -> None:
        for node in self._list("checks"):
            keys = {word: value for word, (_, value) in self._pairs(node, "a check").items()}
            missing = {"name", "that", "zh", "en"} - set(keys)
            unknown = set(keys) - {"name", "that", "zh", "en", "when", "each", "at", "where", "severity"}
            if missing or unknown:
                self.note(node, f"a check: missing {sorted(missing)}, unknown {sorted(unknown)}")
                continue
            check = self._try(node, partial(self._check, node, keys))
            if check is not None:
                program.checks.append(check)

    def _check(self, node: yaml.Node, keys: dict[str, yaml.Node]) -> ir.Check:
        scope = dict(self.scope)
        loop = self.trees.loop(keys["each"], scope) if "each" in keys else None
        severity = scalar(keys["severity"]) if "severity" in keys else "error"
        if severity not in ("error", "warning"):
            raise Slip("severity is error or warning")
        at = self.rules.access(scalar(keys["at"]), scope) if "at" in keys else None
        place = at.place if isinstance(at, (ir.JsonPath, ir.V2Path)) else ir.Place("")
        return ir.Check(
            line=node.start_mark.line + 1,
            name=self._scalar(keys["name"], "name"),
            that=self.rules.condition(scalar(keys["that"]), scope),
            when=self.rules.condition(scalar(keys["when"]), scope) if "when" in keys else None,
            loop=loop,
            at=place,
            where=scalar(keys["where"]) if "where" in keys else "",
            severity=severity,  # type: ignore[arg-type]
            zh=self._scalar(keys["zh"], "zh"),
            en=self._scalar(keys["en"], "en"),
        )

    def _resources(self, program: ir.Program) -> None:
        if not self._list("resources"):
            self.note(self.sections.get("resources"), "resources is a list of at least one resource")
        for node in self._list("resources"):
            if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
                self.note(node, "write - Kind: and indent its elements below")
                continue
            key, value = node.value[0]
            resource = self.trees.resource(key, value, self.scope)
            if resource is not None:
                program.resources.append(resource)

    def _merge(self, program: ir.Program) -> None:
        for kind, (key, node) in self._pairs(self.sections.get("merge"), "merge").items():
            children = self.model.children(kind) if self.model.is_resource(kind) else None
            lists: dict[str, tuple[str, ...]] = {}
            for name, (place, value) in self._pairs(node, f"merge {kind}").items():
                element = (children or {}).get(name)
                if element is None or not element.is_list or not isinstance(value, yaml.SequenceNode):
                    self.note(place, f"{kind}.{name} is no list of R4, or its keys are no list")
                    continue
                lists[name] = tuple(self._texts(value, "the keys of a list"))
            if children is None:
                self.note(key, f"{kind!r} is no R4 resource")
            program.merge[kind] = lists

    def _leftovers(self, program: ir.Program) -> None:
        tables = self.sections.get("tables")
        for name in program.tables.keys() - self.rules.used_tables:
            self.note(self._pairs(tables)[name][0], f"table {name} is never used", is_error=False)
        fields = self._pairs(self.sections["source"]).get("fields", (None, None))[1]
        declared = self._pairs(fields)
        for path in program.fields.keys() - program.used - program.unused - {"$resources"}:
            if path in declared:
                self.note(
                    declared[path][0], f"{path} is declared and never read (list it under unused)", is_error=False
                )
        program.fields.pop("$resources", None)
