"""The log of the embedded server: a file of mode 0600 beside the data, to which every start appends.

In: its path. Out: why a start did not succeed, in the server's own line of that start.
Source: PostgreSQL manual, "Error Reporting and Logging" (message severity levels).
"""

import os
from pathlib import Path
from typing import IO

# What a server that is not ready answers whoever connects: that is no reason of its own.
_TOLD_TO_CLIENTS = "FATAL:  the database system is "


def opened(log: Path) -> IO[bytes]:
    """Return the log, made on first use, to append to."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def size(log: Path) -> int:
    """Return the bytes of the log so far; 0 without one."""
    return log.stat().st_size if log.exists() else 0


def last_words(log: Path, *, after: int) -> str:
    """Return why the start failed whose lines begin ``after`` so many bytes: its PANIC, else the last FATAL."""
    said = log.read_bytes()
    lines = said[after if after <= len(said) else 0 :].decode("utf-8", "replace").splitlines()
    fatal = [line for line in lines if "FATAL:" in line and _TOLD_TO_CLIENTS not in line]
    panic = [line for line in lines if "PANIC:" in line]
    return (panic or fatal or [" ".join(lines[-3:]) or "it said nothing."])[-1]
