"""One line of enforcement and how it is taken out; see `removals`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.attacks import removing as how

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Removal:
    """One line of enforcement: ``where`` it stands, ``what`` it does, how to take it out, who finds it missing."""

    name: str
    where: str
    what: str
    patch: Patch
    caught: tuple[str, ...]


def put(target: str, value: Any) -> Patch:
    """Return a patch that puts ``value`` in place of `module:Name.attribute`."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        owner, name = _owner(target)
        assert hasattr(owner, name), f"{target} is not there any more: take out another line"
        monkeypatch.setattr(owner, name, value)

    return patch


def around(target: str, make: Callable[[Any], Any]) -> Patch:
    """Return a patch that puts ``make(what stood there)`` in place of `module:Name.attribute`."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        owner, name = _owner(target)
        monkeypatch.setattr(owner, name, make(getattr(owner, name)))

    return patch


def together(*patches: Patch) -> Patch:
    """Return a patch that does all of ``patches``."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        for each in patches:
            each(monkeypatch)

    return patch


def left_out(*changes: tuple[str, str]) -> Patch:
    """Return a patch of the policies' text: of the policy named, a part is left out (the whole policy for "")."""
    return around("security.access.policy:load", lambda load: how.policies_without(load, changes))


def _owner(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *steps, name = path.split(".")
    for step in steps:
        owner = getattr(owner, step)
    return owner, name
