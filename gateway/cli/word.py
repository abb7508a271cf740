"""The forms of words: a group that loads a word only when it is used, a word and an option with texts in two languages.

Every word takes the options of this call (`--json`, `--lang`, `--home` ...) wherever they stand. A word's function
gets the `Shell` first and returns an `Answer`, or None when everything is said; it may be async.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from gateway.cli.shell import Both, Shell

Row = tuple[str, str, str]
"""Of a word: the module in `gateway.cli` that holds it, and its help in Chinese and English."""


class Option(click.Option):
    """An option whose help is in both languages."""

    def __init__(self, *names: str, texts: Both = ("", ""), **more: Any) -> None:
        """Make the option ``names`` with the help ``texts``."""
        super().__init__(list(names), **more)
        self.texts = texts

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the row of the help page."""
        self.help = ctx.find_object(Shell).say(self.texts) if self.texts[0] else None  # type: ignore[union-attr]
        return super().get_help_record(ctx)


class Word(click.Command):
    """One word of the command line."""

    def __init__(self, name: str, run: Callable[..., Any], texts: Both, params: list[click.Parameter]) -> None:
        """Make the word ``name`` of the function ``run``."""
        super().__init__(name, callback=click.pass_obj(run), params=[*params, *common()])
        self.texts = texts

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the language of this call."""
        self.help = ctx.find_object(Shell).say(self.texts)  # type: ignore[union-attr]
        super().format_help_text(ctx, formatter)


class Words(click.Group):
    """A group whose words are loaded on use. Its help page loads none of them."""

    def __init__(self, name: str, rows: Mapping[str, Row], texts: Both) -> None:
        """Make the group of ``rows``, in the order of their use."""
        super().__init__(name, params=common(), no_args_is_help=True)
        self.rows, self.texts = rows, texts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words in the order of their use."""
        return list(self.rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the word's module and return the word."""
        if cmd_name not in self.rows:
            return None
        module = import_module(f"gateway.cli.{self.rows[cmd_name][0]}")
        if self.name == "yiyang":
            found: click.Command = module.WORD
        else:
            found = module.WORDS[cmd_name]
        return found

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the language of this call."""
        self.help = ctx.find_object(Shell).say(self.texts)  # type: ignore[union-attr]
        super().format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of words without loading them."""
        shell = ctx.find_object(Shell) or Shell()
        with formatter.section("Commands"):
            formatter.write_dl([(name, shell.say(row[1:])) for name, row in self.rows.items()])


def argument(name: str, **more: Any) -> click.Argument:
    """Return a positional argument."""
    return click.Argument([name], **more)


def common() -> list[click.Parameter]:
    """Return the options that every word takes."""
    return [
        _own("--json/--no-json", field="json", default=None, texts=("输出一行 JSON", "print one line of JSON")),
        _own("--lang", field="lang", type=click.Choice(["zh", "en"]), texts=("语言", "language")),
        _own("--home", field="home", type=click.Path(path_type=Path), texts=("数据目录", "the installation's folder")),
        _own("--color", field="color", type=click.Choice(["auto", "always", "never"]), texts=("颜色", "colours")),
        _own("-q", "--quiet", field="quiet", is_flag=True, default=None, texts=("少说", "say less")),
        _own("-v", "--verbose", field="verbose", count=True, default=None, texts=("多说", "say more")),
    ]


def _own(*names: str, field: str, texts: Both, **more: Any) -> Option:
    """Return an option that is written into the Shell, not handed to the word."""

    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value not in (None, 0) or value is False:
            setattr(ctx.find_object(Shell), field, value)

    return Option(*names, texts=texts, callback=keep, expose_value=False, **more)
