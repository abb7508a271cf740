"""Parse the words, run the one that is meant, show what it answers, and turn every failure into its exit code.

The door of the command line: expected failures are told by code and remedy, never by a traceback.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence

import click

from gateway.cli.answer import Answer, show, show_problems
from gateway.cli.exits import Exit, exit_of
from gateway.cli.shell import Shell, guess
from gateway.cli.word import Words
from gateway.fhir.problem import Problem, Problems

ROOT = Words(
    "yiyang",
    {
        "demo": ("demo", "在本机演示整条链", "show the whole chain on this machine"),
        "init": ("init", "建立新的安装", "set up a new installation"),
        "org": ("org", "登记机构", "register organisations"),
        "client": ("client", "登记客户端，取得令牌", "register clients, get tokens"),
        "sender": ("sender", "登记消息的发送方", "register senders of messages"),
        "serve": ("serve", "启动网关", "start the gateway"),
        "inbox": ("inbox", "查看、重放收到的消息", "look at received messages, replay them"),
        "map": ("maps", "检查、预览、测试映射", "check, preview, test maps"),
        "terms": ("terms", "载入、查找代码", "load code systems, look for codes"),
        "audit": ("audit", "校验、查看审计日志", "verify the audit journal, look at it"),
        "db": ("db", "升级数据库", "upgrade the database"),
        "doctor": ("doctor", "检查运行环境", "check what this installation stands on"),
    },
    ("医养结合健康数据网关", "The gateway for health data of integrated medical and elderly care"),
)


def run(words: Sequence[str]) -> int:
    """Do what ``words`` say; return the exit code."""
    shell = guess(words)
    try:
        return _run(words, shell)
    except BrokenPipeError:
        # The reader of a pipe has enough: say nothing more, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED


def _run(words: Sequence[str], shell: Shell) -> int:
    try:
        answer = ROOT.main(args=list(words), prog_name="yiyang", standalone_mode=False, obj=shell)
        if inspect.iscoroutine(answer):
            from gateway.cli import loop

            answer = loop.run(answer)
        if not isinstance(answer, Answer):  # --help printed itself
            return int(answer or 0)
        show(answer, shell)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        return Exit.USAGE
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the door
        return _failed(error, shell)
    return answer.exit


def _failed(error: Exception, shell: Shell) -> int:
    problems = problems_of(error)
    if problems[0].code == "CLI-099" or shell.verbose > 1:
        _trace(shell)
    show_problems(problems, shell)
    return max((exit_of(problem) for problem in problems), key=lambda code: code is not Exit.USAGE)


def problems_of(error: Exception) -> Sequence[Problem]:
    """Return what ``error`` is to people; never empty. Of another library's it tells the kind alone."""
    if isinstance(error, Problem):
        return [error]
    if isinstance(error, Problems):
        return error.problems
    if isinstance(error, click.MissingParameter):
        return [Problem("CLI-002", name=_name(error))]
    if isinstance(error, click.ClickException):
        return [Problem("CLI-001", reason=error.format_message())]
    return [_foreign(error)]


def _foreign(error: Exception) -> Problem:
    """Return the problem for an exception of another library; its text may hold a secret and is not shown."""
    kind = type(error)
    if kind.__name__ == "EmbeddedError":
        return Problem("CLI-010", reason=str(error))
    if kind.__module__.startswith("asyncpg"):
        return Problem("STO-503", source=kind.__name__)
    if isinstance(error, ConnectionError | TimeoutError):
        return Problem("STO-503", source=kind.__name__)
    if isinstance(error, OSError) and error.filename is not None:
        return Problem("CLI-003", path=str(error.filename), reason=error.strerror or kind.__name__)
    return Problem("CLI-099", kind=kind.__name__)


def _name(error: click.MissingParameter) -> str:
    return error.param.get_error_hint(error.ctx) if error.param is not None and error.ctx is not None else "?"


def _trace(shell: Shell) -> None:
    if shell.verbose:
        import traceback

        traceback.print_exc()
