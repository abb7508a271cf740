"""The settings of one installation: where its files lie, which database, where the doors stand.

In: environment variables `YIYANG_*`, each a row of `SETTINGS`; `YIYANG_..._FILE` names a file that holds the value.
Out: `Settings`, a plain value. Only `app` and `cli` see it; rooms are handed values. Keys are no settings: they lie in
files of their own, mode 0600.
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
_FILE: Final = "_FILE"
"""Ends the name of a variable that names a file with the value: how containers hand over what is secret."""
LOG_FORMS: Final = ("json", "human")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
# A list for what is public, a password's line, a number: no setting is longer (design default).
_MAX_FILE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its ``default`` as one would write it ("" = none), and what it means."""

    name: str
    default: str
    zh: str
    en: str


SETTINGS: Final = (
    Setting(
        "YIYANG_HOME",
        "",
        "安装目录：密钥、审计锚点、内置数据库；缺省为 $XDG_DATA_HOME/yiyang 或 ~/.local/share/yiyang",
        "folder of the installation: keys, audit anchor, embedded database; "
        "without it $XDG_DATA_HOME/yiyang or ~/.local/share/yiyang",
    ),
    Setting(
        "YIYANG_DATABASE_URL",
        "",
        "PostgreSQL（15 以上）的 libpq 地址；为空时使用内置服务器。YIYANG_DATABASE_URL_FILE 可指向存有该值的文件",
        "libpq URL of a PostgreSQL (15 or newer); empty = the embedded server. "
        "YIYANG_DATABASE_URL_FILE may name a file that holds it",
    ),
    Setting("YIYANG_HOST", LOOPBACK, "HTTP 监听地址", "address that HTTP listens on"),
    Setting("YIYANG_PORT", str(PORT), "HTTP 端口，0 = 任意空闲", "port of HTTP, 0 = any free one"),
    Setting("YIYANG_MLLP_HOST", LOOPBACK, "MLLP 监听地址", "address that MLLP listens on"),
    Setting("YIYANG_MLLP_PORT", str(MLLP_PORT), "MLLP 端口，0 = 任意空闲", "port of MLLP, 0 = any free one"),
    Setting(
        "YIYANG_PUBLIC_URL",
        "",
        "客户端访问网关的根地址（TLS 代理之后必须设置）；令牌只对它有效",
        "root URL under which clients reach the gateway (needed behind a TLS proxy); tokens are for it alone",
    ),
    Setting(
        "YIYANG_MAPPINGS",
        "",
        "映射目录；缺省为随程序安装的映射",
        "folder of the maps; without it those that came with the program",
    ),
    Setting(
        "YIYANG_ADMIN_HOST",
        LOOPBACK,
        "管理端（/metrics 与健康检查）监听地址，不要对外开放",
        "address of the admin listener (/metrics and health); not for the outside",
    ),
    Setting(
        "YIYANG_ADMIN_PORT",
        "",
        "管理端端口；为空 = 不监听，0 = 任意空闲",
        "port of the admin listener; empty = none, 0 = any free one",
    ),
    Setting(
        "YIYANG_LOG",
        "",
        "日志形式：json（每行一个对象）或 human；为空 = 终端上为 human，其余为 json",
        "form of the log: json (an object a line) or human; empty = human on a terminal, else json",
    ),
    Setting(
        "YIYANG_LOG_LEVEL",
        "info",
        "日志级别：debug、info、warning 或 error",
        "level of the log: debug, info, warning or error",
    ),
)
"""Every setting there is; `Settings.load` knows no other, docs/reference lists them from here."""
_DEFAULTS: Final = {setting.name: setting.default for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one installation lives.

    ``database_url`` "" = the embedded server; ``public_url`` ends without slash; ``mappings`` holds the feeds;
    ``admin_port`` None = no admin listener; ``log`` "" = by where it goes.
    """

    home: Path
    database_url: str = ""
    host: str = LOOPBACK
    port: int = PORT
    mllp_host: str = LOOPBACK
    mllp_port: int = MLLP_PORT
    public_url: str = ""
    mappings: Path = field(default_factory=lambda: data_root("mappings"))
    admin_host: str = LOOPBACK
    admin_port: int | None = None
    log: str = ""
    log_level: str = "info"

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
        """Return the settings that ``env`` (default: the process's) names; ``home`` goes before YIYANG_HOME.

        An empty variable counts as absent. Raises Problem("CFG-001") for a value that cannot be used.
        """
        env = os.environ if env is None else env
        given = {name: _given(env, name) or default for name, default in _DEFAULTS.items()}
        return cls(
            home=(home or Path(given["YIYANG_HOME"] or _default_home(env))).expanduser().absolute(),
            database_url=given["YIYANG_DATABASE_URL"],
            host=given["YIYANG_HOST"],
            port=_port(given, "YIYANG_PORT"),
            mllp_host=given["YIYANG_MLLP_HOST"],
            mllp_port=_port(given, "YIYANG_MLLP_PORT"),
            public_url=_url(given["YIYANG_PUBLIC_URL"]),
            mappings=Path(given["YIYANG_MAPPINGS"] or data_root("mappings")).absolute(),
            admin_host=given["YIYANG_ADMIN_HOST"],
            admin_port=_port(given, "YIYANG_ADMIN_PORT") if given["YIYANG_ADMIN_PORT"] else None,
            log=_one_of(given, "YIYANG_LOG", ("", *LOG_FORMS)),
            log_level=_one_of(given, "YIYANG_LOG_LEVEL", LOG_LEVELS),
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


def _given(env: Mapping[str, str], name: str) -> str:
    """Return what ``env`` says of ``name``, itself or by the file that ``name``_FILE names."""
    path = env.get(name + _FILE)
    if not path:
        return env.get(name, "")
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_MAX_FILE_BYTES).strip()
    except (OSError, UnicodeDecodeError):
        raise Problem("CFG-001", source=name + _FILE, name=name + _FILE) from None


def _port(given: Mapping[str, str], name: str) -> int:
    text = given[name]
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise Problem("CFG-001", source=name, name=name)
    return int(text)


def _one_of(given: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    if given[name] not in words:
        raise Problem("CFG-001", source=name, name=name)
    return given[name]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and not (parts.scheme in ("http", "https") and parts.netloc and not parts.query and not parts.fragment):
        raise Problem("CFG-001", source="YIYANG_PUBLIC_URL", name="YIYANG_PUBLIC_URL")
    return text.rstrip("/")
