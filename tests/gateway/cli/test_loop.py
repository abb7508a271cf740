"""The loop of a process that serves, and its collector."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref

import uvloop

from gateway.cli import loop


def test_work_runs_in_the_loop_in_c() -> None:
    async def work() -> type[asyncio.AbstractEventLoop]:
        return type(asyncio.get_running_loop())

    assert issubclass(loop.run(work()), uvloop.Loop)


def test_work_runs_in_asyncios_loop_where_the_other_is_not_built() -> None:
    code = (
        "import sys; sys.modules['uvloop'] = None\n"
        "import asyncio\nfrom gateway.cli import loop\n"
        "async def work(): return type(asyncio.get_running_loop()).__module__\n"
        "print(loop.run(work()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("asyncio.")


def test_what_lives_is_left_out_of_collections_and_later_cycles_are_still_freed() -> None:
    class Node:
        other: Node

    before = gc.get_threshold()
    stays = [Node()]
    try:
        loop.settle()
        assert gc.get_freeze_count() > 0
        assert not any(each is stays for each in gc.get_objects())
        one = Node()
        one.other = Node()
        one.other.other = one
        gone = weakref.ref(one)
        del one
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
