"""The only entrance to a decision. To release or change a resource we need:

(0) a caller, which the doors build from a valid token (oauth) or an inner actor (`Caller.system`) ·
(1) a scope that covers the interaction and the kind ·
(2) a role, with its purpose, that the policy permits ·
(3) a relation of the caller's organisation to the elder: it wrote the resource, it was handed over, or care ·
(4) the elder's consent for the data class, the recipient and the purpose, now ·
(5) labels within reach: level, exclusions; what is out of the role's view is masked ·
(6) the obligations carried by the Decision (the view) and applied by `mask` before anything leaves ·
(7) an entry in the journal, also when any step says no: written by the hub from the Decision.

Pure and in memory: no I/O, no clock of its own, no await. An error in a check is a denial.
Source: security.md §3.4, §3.5, §4; GB/T 39725-2020 6.2, 8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol

from gateway.fhir.predicate import Facts, Predicate
from gateway.fhir.query import Term
from security.caller import Caller

Doc = dict[str, Any]
Action = Literal["read", "vread", "search", "history", "create", "update", "delete", "ingest", "audit"]


class Row(Protocol):
    """What `Gate.learn` needs of a stored version, by shape: `gateway.store.protocol.Stored` fits."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def body(self) -> bytes: ...
    @property
    def facts(self) -> Facts: ...


class Decision(NamedTuple):
    """The answer to one question, as the audit entry stores it.

    ``rule`` is the @id of the deciding policy ("default-deny" when none permits), ``reasons`` all that are known,
    ``consent`` the version of the elder's consents that were in force, ``policy`` the hash of policies and
    catalogue. ``view`` is None where the stored bytes may leave as they are; otherwise call `Gate.mask`.
    """

    allow: bool
    rule: str
    reasons: tuple[str, ...] = ()
    consent: str = ""
    policy: str = ""
    view: Any = None

    @property
    def masked(self) -> bool:
        """Tell whether `Gate.mask` must be applied before the resource leaves."""
        return self.view is not None


class Gate:
    """Decide, narrow, label, mask. One instance a process, built by app.py; every method is synchronous."""

    LEARNS: Final = frozenset({"Consent", "Task", "CarePlan", "CareTeam", "PractitionerRole"})
    """The kinds whose rows `learn` wants: all of them once at start, then each changed one after its commit."""

    @classmethod
    def load(cls, *, now: Callable[[], datetime]) -> Gate:
        """Read policies and catalogue from the package; raise ValueError when anything in them is not understood."""
        raise NotImplementedError

    def decide(self, caller: Caller, action: Action, facts: Facts, *, doc: Doc | None = None) -> Decision:
        """Decide one interaction on one resource.

        For create, update and ingest ``facts`` are those of the version to be written (its controllers include the
        writer's organisation). An update by an organisation that is no controller leaves the controllers as they
        were: pass the prior facts. On reads, denial is answered like absence (SEC-404).
        """
        raise NotImplementedError

    def narrow(self, caller: Caller, action: Action, kind: str) -> Predicate:
        """Return the restriction under which ``caller`` may find resources of ``kind``; NOTHING when none."""
        raise NotImplementedError

    def label(  # noqa: PLR0913
        self,
        kind: str,
        doc: Doc,
        *,
        elder: str,
        controllers: Sequence[str],
        prior: Facts | None = None,
        sent: Sequence[str] | None = None,
    ) -> Facts:
        """Compute the facts of ``doc`` at write.

        The controllers of ``prior`` stay and ``controllers`` (who writes now) join them. ``sent`` are the identifiers
        ("system|value") that the writer's own record carried for a Patient; None = all of the doc's when there
        is no prior, else those that the prior did not know.
        """
        raise NotImplementedError

    def security_codes(self, facts: Facts) -> list[dict[str, str]]:
        """Return the codings for meta.security: category, level, confidentiality, sensitivity."""
        raise NotImplementedError

    def mask(self, caller: Caller, decision: Decision, doc: Doc) -> Doc | None:
        """Return ``doc`` as ``caller`` may see it: the same object when nothing is masked, None when denied.

        Never changes ``doc``. A masked one carries meta.tag SUBSETTED.
        """
        raise NotImplementedError

    def restore(self, caller: Caller, decision: Decision, incoming: Doc, stored: Doc) -> Doc:
        """Return ``incoming`` with the elements that the caller's view hides put back from ``stored``.

        Raises Problem("SEC-403", where=element) when a hidden or masked element was touched.
        """
        raise NotImplementedError

    def forbidden_param(self, caller: Caller, kind: str, param: str, *, terms: Sequence[Term] = ()) -> bool:
        """Tell whether searching (or sorting, or chaining) ``kind`` by ``param`` would reveal a masked element.

        The one exception is an exact, full `identifier` token (pass the clause's ``terms``); chained too, provided
        the hub narrows the chained kind as well.
        """
        raise NotImplementedError

    def learn(self, rows: Iterable[Row]) -> None:
        """Take in changed rows (any kind; only LEARNS matter): consents, referral states, care plans, teams."""
        raise NotImplementedError

    def version(self, elder: str) -> str:
        """Return the version of the elder's consents, e.g. "Consent/77@3" ("" for none); for caches and audit."""
        raise NotImplementedError


def task_change(stored: Doc, incoming: Doc) -> Mapping[str, Any]:
    """Return what a PUT changes of a Task: element -> new value (None = removed).

    Raises Problem("SEC-403", where="Task.x") for any element but status, businessStatus, statusReason, note, output.
    """
    raise NotImplementedError
