"""Ports: is one free, which one does 0 become, and how several processes share one.

A port that is shared is held by the parent, bound and never listening, so that it stays ours while workers come and go.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.fhir.problem import Problem


def is_free(host: str, port: int) -> bool:
    """Tell whether ``port`` can be listened on now."""
    return _bound(host, port) != 0


def free_port(host: str, port: int, option: str) -> int:
    """Return ``port``, or a free one for 0. Raises Problem CLI-011, which names the ``option`` to change."""
    found = _bound(host, port)
    if not found:
        raise Problem("CLI-011", host=host, port=port, option=option)
    return found


@contextmanager
def reserved(host: str, port: int, option: str) -> Iterator[int]:
    """Hold ``port`` (0 = any free one) for the block and give its number; processes of ours may listen there.

    Raises Problem CLI-011.
    """
    # First without sharing: another gateway on this port must be noticed, not joined.
    number = free_port(host, port, option)
    with socket.socket(_family(host), socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((host, number))
        except OSError:
            raise Problem("CLI-011", host=host, port=number, option=option) from None
        yield number


def _bound(host: str, port: int) -> int:
    """Return the port that could be bound, 0 when it could not."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
