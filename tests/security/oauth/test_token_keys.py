"""The signing key: in one private file, published without its secret."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.fhir.problem import Problem
from security.oauth import TokenKeys
from tests.security.oauth.conftest import Server


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    TokenKeys.create(tmp_path / "k.json")
    assert stat.S_IMODE((tmp_path / "k.json").stat().st_mode) == 0o600


def test_what_was_created_is_loaded_again(tmp_path: Path) -> None:
    assert TokenKeys.create(tmp_path / "k.json").kid == TokenKeys.load(tmp_path / "k.json").kid


def test_an_existing_key_is_never_written_over(tmp_path: Path) -> None:
    kid = TokenKeys.create(tmp_path / "k.json").kid
    with pytest.raises(Problem) as caught:
        TokenKeys.create(tmp_path / "k.json")
    assert caught.value.code == "SEC-131"
    assert TokenKeys.load(tmp_path / "k.json").kid == kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o400])
def test_a_file_of_another_mode_is_refused(mode: int, tmp_path: Path) -> None:
    TokenKeys.create(tmp_path / "k.json")
    (tmp_path / "k.json").chmod(mode)
    with pytest.raises(Problem) as caught:
        TokenKeys.load(tmp_path / "k.json")
    assert caught.value.code == "SEC-132"


def test_a_link_to_a_key_is_refused(tmp_path: Path) -> None:
    TokenKeys.create(tmp_path / "k.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "k.json")
    with pytest.raises(Problem) as caught:
        TokenKeys.load(tmp_path / "link.json")
    assert caught.value.code == "SEC-132"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"x"', "{}", '{"format": "yiyang-token-keys/1", "keys": []}', '{"keys": [{"kty": "EC"}]}'],
)
def test_a_damaged_file_is_refused(text: str, tmp_path: Path) -> None:
    TokenKeys.create(tmp_path / "k.json")
    (tmp_path / "k.json").write_text(text)
    with pytest.raises(Problem) as caught:
        TokenKeys.load(tmp_path / "k.json")
    assert caught.value.code == "SEC-132"


def test_a_public_key_in_the_file_signs_nothing_and_is_refused(tmp_path: Path) -> None:
    keys = TokenKeys.create(tmp_path / "k.json")
    (tmp_path / "k.json").write_text(json.dumps({"format": "yiyang-token-keys/1", "keys": keys.jwks()["keys"]}))
    with pytest.raises(Problem) as caught:
        TokenKeys.load(tmp_path / "k.json")
    assert caught.value.code == "SEC-132"


def test_printed_keys_show_no_secret(tmp_path: Path) -> None:
    keys = TokenKeys.create(tmp_path / "k.json")
    assert str(keys.active.as_dict(private=True)["d"]) not in repr(keys)


async def test_the_published_set_is_public_only(server: Server) -> None:
    (published,) = server.oauth.jwks()["keys"]
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (published["kid"], published["use"], published["alg"]) == (server.keys.kid, "sig", "ES256")


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        TokenKeys.create(tmp_path / "no-such-folder" / "k.json")
    assert caught.value.code == "SEC-132"
