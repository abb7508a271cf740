"""How this call was meant: language, form of output, home folder. One value, filled before any word is loaded.

In: the words and the environment. Out: `Shell`. The words are read loosely here, because a wrong one must be answered
in the right language and form, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.config import Settings
from gateway.fhir.problem import Lang

Color = Literal["auto", "always", "never"]
Both = tuple[str, str]
"""One text in Chinese and in English."""


@dataclass(slots=True)
class Shell:
    """``json``: True for one object on one line, False for people, None = people on a terminal only."""

    lang: Lang = "zh"
    json: bool | None = None
    color: Color = "auto"
    quiet: bool = False
    verbose: int = 0
    home: Path | None = None

    @property
    def as_json(self) -> bool:
        """Return whether the result is to be one JSON object."""
        return not sys.stdout.isatty() if self.json is None else self.json

    def say(self, text: Both) -> str:
        """Return ``text`` in the language of this call."""
        return text[0] if self.lang == "zh" else text[1]

    def settings(self) -> Settings:
        """Return the settings: environment, `--home` before YIYANG_HOME. Raises Problem("CFG-001")."""
        return Settings.load(home=self.home)


def guess(words: Sequence[str], env: Mapping[str, str] | None = None) -> Shell:
    """Return the shell that ``words`` ask for, before they are parsed."""
    env = os.environ if env is None else env
    shell = Shell(lang=_lang_of(env))
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in ("--json", "--no-json"):
            shell.json = word == "--json"
        elif word in ("-v", "-vv", "--verbose"):
            shell.verbose += 2 if word == "-vv" else 1
        elif word.startswith("--lang"):
            asked = word.partition("=")[2] or after
            shell.lang = "en" if asked == "en" else "zh"
    return shell


def _lang_of(env: Mapping[str, str]) -> Lang:
    """Return the language of LC_ALL, LC_MESSAGES or LANG as POSIX orders them; Chinese when they say neither."""
    named = next((env[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if env.get(name)), "")
    return "en" if named.lower().startswith("en") else "zh"
