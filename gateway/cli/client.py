"""`yiyang client`: the systems that may ask, their keys and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gateway.app.rooms import open_rooms
from gateway.cli import keyfiles
from gateway.cli.answer import Answer, Table
from gateway.cli.change import record_change
from gateway.cli.shell import Shell
from gateway.cli.smart import EVERYTHING, fetch_token, token_endpoint
from gateway.cli.word import Option, Word, Words, argument
from gateway.config import Settings
from security.caller import Role
from security.oauth.client import generate, public_jwks
from security.state import Change, Client
from security.state.registry import Registry

ROLES = [role.value for role in Role if role is not Role.SYSTEM]
SCOPES: dict[str, tuple[str, ...]] = {
    Role.CENTRE_DOCTOR: ("system/*.rs", "system/Task.u"),
    Role.CENTRE_NURSE: ("system/*.rs", "system/Task.u"),
    Role.STATION_DOCTOR: ("system/*.rs", "system/Task.u"),
    Role.STATION_CARER: ("system/*.rs", "system/Task.u"),
    Role.AUDITOR: ("system/AuditEvent.rs",),
}
"""What a role's client gets where `--scope` says nothing; its feeds come on top."""


async def add(  # noqa: PLR0913 - one option each
    shell: Shell,
    client_id: str,
    name: str,
    role: str,
    org: str,
    scope: Sequence[str],
    feed: Sequence[str],
    jwks: Path | None,
) -> Answer:
    """Register a client, with a new key pair unless its owner handed in a key set."""
    settings = shell.settings()
    path = None if jwks else keyfiles.path_of(settings.client_keys, client_id)
    async with open_rooms(settings) as rooms:
        change = await register(
            rooms.registry,
            client_id,
            name or client_id,
            role=Role(role),
            org=org,
            scopes=scope,
            feeds=feed,
            jwks=jwks,
            path=path,
        )
        await record_change(rooms, change)
        row = _row(await rooms.registry.get_client(client_id), settings)
    line = (f"已登记客户端 {client_id}", f"client {client_id} is registered")
    kept = (f"私钥文件 {path}，请交给其主人", f"private key {path}: hand it to its owner")
    return Answer("yiyang.client.add/1", row, lines=[line, kept] if path else [line])


async def register(  # noqa: PLR0913 - one keyword each
    registry: Registry,
    client_id: str,
    name: str,
    *,
    role: Role,
    org: str,
    scopes: Sequence[str],
    feeds: Sequence[str],
    jwks: Path | None,
    path: Path | None,
) -> Change:
    """Register the client; a new private key goes to ``path``, and leaves it again when the registry refuses."""
    if path is None:
        keys = keyfiles.read_jwks(jwks) if jwks else {}
    else:
        private = generate()
        keyfiles.write(path, private)
        keys = public_jwks(private)
    wanted = [*(scopes or SCOPES.get(role, ())), *(f"intake/{feed}.c" for feed in feeds)]
    try:
        return await registry.add_client(
            client_id, name, role=role, organisation=org, jwks=keys, scopes=wanted, feeds=feeds
        )
    except BaseException:
        if path is not None:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - one directory entry
        raise


async def list_(shell: Shell) -> Answer:
    """List the clients, disabled ones too."""
    settings = shell.settings()
    async with open_rooms(settings) as rooms:
        rows = [_row(one, settings) for one in await rooms.registry.list_clients()]
    heads = [("客户端", "client"), ("角色", "role"), ("机构", "organisation"), ("范围", "scopes"), ("停用", "disabled")]
    cells = [
        [row["clientId"], row["role"], row["organisation"], " ".join(row["scopes"]), "✓" if row["disabled"] else ""]
        for row in rows
    ]
    return Answer("yiyang.client.list/1", {"clients": rows}, table=Table(heads, cells))


async def disable(shell: Shell, client_id: str) -> Answer:
    """Give the client no more tokens; those it holds stop within a second."""
    async with open_rooms(shell.settings()) as rooms:
        change = await rooms.registry.disable_client(client_id)
        await record_change(rooms, change)
    line = (f"已停用客户端 {client_id}，其令牌随即失效", f"client {client_id} is disabled, its tokens end now")
    return Answer("yiyang.client.disable/1", {"clientId": client_id, "disabled": True}, lines=[line])


async def token(shell: Shell, client_id: str, key: Path | None, base: str, scope: Sequence[str]) -> Answer:
    """Get an access token by the client's private key, as any client of the gateway would."""
    from gateway.cli.running import base_of

    settings = shell.settings()
    path = key or keyfiles.path_of(settings.client_keys, client_id)
    private = keyfiles.read(path, client_id)
    endpoint = await token_endpoint(base or base_of(settings))
    got = await fetch_token(private, client_id, endpoint=endpoint, scopes=scope or EVERYTHING)
    data = {
        "clientId": client_id,
        "accessToken": got["access_token"],
        "expiresIn": got["expires_in"],
        "scope": got["scope"],
    }
    return Answer("yiyang.client.token/1", data, plain=got["access_token"])


def _row(one: Client, settings: Settings) -> dict[str, Any]:
    path = settings.client_keys / f"{one.client_id}.json"
    return {
        "clientId": one.client_id,
        "name": one.name,
        "role": str(one.role),
        "organisation": one.organisation,
        "scopes": sorted(one.scopes),
        "feeds": sorted(one.feeds),
        "kids": sorted(one.keys),
        "keyFile": str(path) if path.exists() else None,
        "disabled": one.disabled,
        "lastUsed": one.last_used.isoformat() if one.last_used else None,
    }


_ID = argument("client_id")
WORDS = {
    "add": Word(
        "add",
        add,
        ("登记客户端；不给 --jwks 时生成密钥对", "Register a client; without --jwks a key pair is made for it"),
        [
            _ID,
            Option("--name", default="", texts=("名称，默认同客户端名", "its name; default: its id")),
            Option("--role", required=True, type=click.Choice(ROLES), texts=("角色", "its role")),
            Option("--org", required=True, texts=("机构代码", "code of its organisation")),
            Option("--scope", multiple=True, texts=("授权范围，默认按角色", "a scope; default: the role's")),
            Option("--feed", multiple=True, texts=("可提交的数据源", "a feed that it may post to")),
            Option(
                "--jwks",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                texts=("公钥集文件", "file of its public keys"),
            ),
        ],
    ),
    "list": Word("list", list_, ("列出客户端", "List the clients"), []),
    "disable": Word("disable", disable, ("停用客户端", "Disable a client"), [_ID]),
    "token": Word(
        "token",
        token,
        ("用私钥文件换取访问令牌（5 分钟有效）", "Get an access token (good for 5 minutes) by the private key file"),
        [
            _ID,
            Option("--key", type=click.Path(path_type=Path), texts=("私钥文件", "file of the private key")),
            Option("--base", default="", texts=("FHIR 地址", "FHIR base URL")),
            Option("--scope", multiple=True, texts=("只要这些范围", "ask for these scopes only")),
        ],
    ),
}
WORD = Words(
    "client",
    {
        "add": ("client", "登记客户端", "register one"),
        "list": ("client", "列出客户端", "list them"),
        "disable": ("client", "停用客户端", "disable one"),
        "token": ("client", "取得访问令牌", "get an access token"),
    },
    ("登记客户端，取得令牌", "Register clients, get tokens"),
)
