"""One text for each value: what is altered in any sign is no text of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import base64url


@given(st.binary(max_size=60))
def test_what_is_written_is_read(data: bytes) -> None:
    assert base64url.read(base64url.write(data)) == data


@given(st.one_of(st.text(max_size=12), st.text("AQgwab-_=+/ \n", max_size=12)))
def test_a_text_is_read_only_as_it_is_written(text: str) -> None:
    try:
        data = base64url.read(text)
    except ValueError:
        return

    assert base64url.write(data) == text


@pytest.mark.parametrize("text", ["AB", "AAA=", "A A", "AA\n", "A", "AA!", "王", "AA+/"])
def test_a_second_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        base64url.read(text)
