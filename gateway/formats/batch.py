"""HL7 v2 batch files: FHS, BHS, messages, BTS, FTS (HL7 v2.5.1 §2.10.3).

In: the bytes of a file. Out: the bytes of each message, untouched. Refused: text outside a message (FMT-015), a
declared count that differs (FMT-016).
"""

from __future__ import annotations

from gateway.fhir.problem import Problem

_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")


def split(raw: bytes) -> list[bytes]:
    """Return the messages of a batch, or the one message that ``raw`` is."""
    end = b"\r" if b"\r" in raw else b"\n"
    messages: list[list[bytes]] = []
    counts: list[int] = []
    in_batch = 0
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(end), 1):
        text = line.strip(b"\n")
        if not text:
            continue
        if text[:3] in _ENVELOPE:
            in_batch = _envelope(text, in_batch, counts, number)
        elif text[:3] == b"MSH":
            messages.append([text])
            in_batch += 1
        elif messages:
            messages[-1].append(text)
        else:
            raise Problem("FMT-015", source=f"line {number}", number=number)
    return [end.join(lines) + end for lines in messages]


def _envelope(text: bytes, in_batch: int, counts: list[int], number: int) -> int:
    """Check the trailers' counts and return the number of messages of the batch that is open."""
    name, declared = text[:3], text[4:].split(text[3:4] or b"|", 1)[0]
    if name == b"BTS":
        _compare(declared, in_batch, number)
        counts.append(in_batch)
    elif name == b"FTS":
        _compare(declared, len(counts), number)
    return 0 if name in (b"BHS", b"BTS") else in_batch


def _compare(declared: bytes, found: int, number: int) -> None:
    # Of any length: a number is not made of it, since Python refuses thousands of digits in its own way.
    if declared and (not declared.isdigit() or (declared.lstrip(b"0") or b"0") != b"%d" % found):
        raise Problem("FMT-016", source=f"line {number}", found=found)
