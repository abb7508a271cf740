"""`yiyang init`: the keys and the migrated database of a new installation; nothing of the demo."""

from __future__ import annotations

from gateway.app.rooms import install
from gateway.cli.answer import Answer
from gateway.cli.shell import Shell
from gateway.cli.word import Word


async def init(shell: Shell) -> Answer:
    """Make what is missing; what exists is left as it is."""
    settings = shell.settings()
    new = await install(settings)
    data = {
        "home": str(settings.home),
        "keyFile": str(settings.key_file),
        "tokenKeyFile": str(settings.token_key_file),
        "anchorFile": str(settings.anchor_file),
        "database": "external" if settings.database_url else "embedded",
        "new": new,
    }
    done = ("已建立", "set up") if new else ("已存在，未作改动", "exists, nothing changed")
    return Answer(
        "yiyang.init/1",
        data,
        lines=[
            (f"安装目录 {settings.home}：{done[0]}", f"{settings.home}: {done[1]}"),
            (
                f"密钥文件 {settings.key_file}：请单独备份，丢失后已存数据无法打开",
                f"key file {settings.key_file}: back it up by itself, without it nothing stored opens",
            ),
            (
                "下一步：yiyang org add、yiyang client add、yiyang sender add、yiyang serve",
                "next: yiyang org add, yiyang client add, yiyang sender add, yiyang serve",
            ),
        ],
    )


WORD = Word("init", init, ("建立新的安装：密钥与数据库", "Set up a new installation: keys and database"), [])
