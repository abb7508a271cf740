"""The settings of one installation: where its files lie, which database, where the doors stand.

In: environment variables `YIYANG_*`. Out: `Settings`, a plain value. Only `app` and `cli` see it; rooms are handed
values. No setting holds a secret: keys lie in files of their own, mode 0600.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.fhir.problem import Problem

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8080
MLLP_PORT: Final = 2575
"""The port that IANA registered for HL7."""
_CHECKOUT: Final = Path(__file__).resolve().parent.parent
_PACKAGED: Final = Path(__file__).resolve().parent / "_data"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one installation lives.

    ``database_url`` "" = the embedded server; ``public_url`` ends without slash; ``mappings`` holds the feeds.
    """

    home: Path
    database_url: str = ""
    host: str = LOOPBACK
    port: int = PORT
    mllp_host: str = LOOPBACK
    mllp_port: int = MLLP_PORT
    public_url: str = ""
    mappings: Path = field(default_factory=lambda: data_root("mappings"))

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
        """Return the settings that ``env`` (default: the process's) names; ``home`` goes before YIYANG_HOME.

        Raises Problem("CFG-001") for a value that cannot be used.
        """
        env = os.environ if env is None else env
        return cls(
            home=(home or Path(env.get("YIYANG_HOME") or _default_home(env))).expanduser().absolute(),
            database_url=env.get("YIYANG_DATABASE_URL", ""),
            host=env.get("YIYANG_HOST", LOOPBACK),
            port=_port(env, "YIYANG_PORT", PORT),
            mllp_host=env.get("YIYANG_MLLP_HOST", LOOPBACK),
            mllp_port=_port(env, "YIYANG_MLLP_PORT", MLLP_PORT),
            public_url=_url(env.get("YIYANG_PUBLIC_URL", "")),
            mappings=Path(env.get("YIYANG_MAPPINGS") or data_root("mappings")).absolute(),
        )

    @property
    def url(self) -> str:
        """Return the root URL under which clients reach the doors."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def base(self) -> str:
        """Return the FHIR base URL; access tokens are for it."""
        return f"{self.url}/fhir"

    @property
    def key_file(self) -> Path:
        """Return the file of the installation's keys. Without it nothing opens: it is backed up by itself."""
        return self.home / "keys" / "installation.json"

    @property
    def token_key_file(self) -> Path:
        """Return the file of the keys that sign access tokens."""
        return self.home / "keys" / "tokens.json"

    @property
    def client_keys(self) -> Path:
        """Return the folder where `client add` puts private JWKs until they are handed to the client's owner."""
        return self.home / "clients"

    @property
    def anchor_file(self) -> Path:
        """Return the copy of the signed audit checkpoints outside the database."""
        return self.home / "audit" / "checkpoints.jsonl"

    @property
    def database_dir(self) -> Path:
        """Return the data folder of the embedded server."""
        return self.home / "pg"


def data_root(name: str) -> Path:
    """Return the folder ``name`` (mappings, profiles) of the checkout, else the one that the wheel carries."""
    own = _CHECKOUT / name / ("generated" if name == "profiles" else "")
    return own if own.is_dir() else _PACKAGED / name


def _default_home(env: Mapping[str, str]) -> Path:
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "yiyang"


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise Problem("CFG-001", source=name, name=name)
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and not (parts.scheme in ("http", "https") and parts.netloc and not parts.query and not parts.fragment):
        raise Problem("CFG-001", source="YIYANG_PUBLIC_URL", name="YIYANG_PUBLIC_URL")
    return text.rstrip("/")
