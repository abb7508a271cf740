"""Checks of what the settings ask for: who can reach the doors, under which address, with which database account.

In: settings. Out: rows; no database is asked. A password is looked at, never shown.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.cli.check import Check, same
from gateway.config import Settings

CERTIFICATE_WARN_DAYS: Final = 30
"""A certificate takes days to get; a month leaves room for holidays (design default)."""
CONNECT_S: Final = 3.0
SHORT_PASSWORD: Final = 12
_DAY_S: Final = 86_400
_WEAK: Final = frozenset({"postgres", "password", "admin", "yiyang", "root", "123456", "12345678", "changeme"})
_ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})


def all_of(settings: Settings) -> Iterator[Check]:
    """Yield every check of the settings."""
    yield _doors(settings)
    yield _admin(settings)
    yield from _public_url(settings)
    yield _log(settings)
    if settings.database_url:
        yield _database_password(settings.database_url)
        yield _database_tls(settings.database_url)


def _doors(settings: Settings) -> Check:
    """A door that others reach must stand behind TLS: tokens and records cross it."""
    open_ones = [host for host in (settings.host, settings.mllp_host) if not is_loopback(host)]
    if open_ones and not settings.public_url.startswith("https://"):
        remedy = (
            "请只监听本机（YIYANG_HOST、YIYANG_MLLP_HOST），或置于 TLS 代理之后并把 YIYANG_PUBLIC_URL 设为 https 地址",
            "listen on this machine alone (YIYANG_HOST, YIYANG_MLLP_HOST), or put a TLS proxy in front and set "
            "YIYANG_PUBLIC_URL to its https address",
        )
        return Check("doors", "fail", same(", ".join(open_ones)), remedy)
    return Check("doors", "ok", same(f"{settings.host}, {settings.mllp_host}"))


def _admin(settings: Settings) -> Check:
    if settings.admin_port is None:
        return Check("admin-listener", "ok", ("未启用", "off"))
    text = same(f"{settings.admin_host}:{settings.admin_port}")
    if not is_loopback(settings.admin_host):
        remedy = (
            "管理端没有身份验证：请只监听本机，或确认只有监控系统能访问该网络",
            "the admin listener asks nobody who he is: keep it on this machine, or on a network of the monitor alone",
        )
        return Check("admin-listener", "warn", text, remedy)
    return Check("admin-listener", "ok", text)


def _public_url(settings: Settings) -> Iterator[Check]:
    parts = urlsplit(settings.url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        remedy = (
            "令牌会以明文传输：请把 YIYANG_PUBLIC_URL 设为 https 地址",
            "tokens cross the network in the clear: set YIYANG_PUBLIC_URL to an https address",
        )
        yield Check("public-url", "fail", same(settings.url), remedy)
        return
    yield Check("public-url", "ok", same(settings.url))
    if parts.scheme == "https":
        yield _certificate(host, parts.port or 443)


def _certificate(host: str, port: int) -> Check:
    """Ask the proxy for its certificate as a client would: the chain, the name, the days that are left."""
    remedy = ("请更换代理的证书", "give the proxy a certificate that clients trust")
    try:
        with (
            socket.create_connection((host, port), timeout=CONNECT_S) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            until = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        return Check("certificate", "fail", same(error.verify_message), remedy)
    except (OSError, KeyError) as error:
        away = ("请确认 TLS 代理在运行、地址可达", "see that the TLS proxy runs and can be reached from here")
        return Check("certificate", "warn", same(type(error).__name__), away)
    days = int((until - datetime.now(UTC).timestamp()) // _DAY_S)  # noqa: TID251 - a certificate runs by the real clock
    text = (f"还有 {days} 天", f"{days} days left")
    if days < CERTIFICATE_WARN_DAYS:
        return Check("certificate", "warn", text, remedy)
    return Check("certificate", "ok", text)


def _log(settings: Settings) -> Check:
    if settings.log_level in ("warning", "error"):
        remedy = (
            "请求不会留在日志中：请设 YIYANG_LOG_LEVEL=info",
            "requests are not in the log: set YIYANG_LOG_LEVEL=info",
        )
        return Check("log", "warn", same(settings.log_level), remedy)
    return Check("log", "ok", same(f"{settings.log or 'auto'} {settings.log_level}"))


def _database_password(url: str) -> Check:
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if _is_local(url) and not password:
        return Check("database-password", "ok", ("本机套接字", "a local socket: the system tells who"))
    if not password and "passfile" in parse_qs(parts.query):
        return Check("database-password", "ok", same("passfile"))
    if password.lower() in _WEAK or len(password) < SHORT_PASSWORD or password == unquote(parts.username or ""):
        remedy = (
            f"请换成随机的长密码（至少 {SHORT_PASSWORD} 个字符），放入 YIYANG_DATABASE_URL_FILE 所指的文件",
            f"take a long random one ({SHORT_PASSWORD} characters or more), in the file of YIYANG_DATABASE_URL_FILE",
        )
        return Check("database-password", "fail", ("过弱或为空", "weak or empty"), remedy)
    return Check("database-password", "ok", ("足够长", "long enough"))


def _database_tls(url: str) -> Check:
    """Between machines the database's connection is encrypted; within one machine or one container network it stays."""
    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", [""])[0]
    host = parts.hostname or ""
    if not _is_local(url) and "." in host and mode not in _ENCRYPTED:
        remedy = (
            "请在 YIYANG_DATABASE_URL 中加 sslmode=verify-full",
            "add sslmode=verify-full to YIYANG_DATABASE_URL",
        )
        return Check("database-tls", "warn", same(f"sslmode={mode or '-'}"), remedy)
    return Check("database-tls", "ok", same(mode or host or "socket"))


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    return not host or host.startswith("/") or is_loopback(host)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
