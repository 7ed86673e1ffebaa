"""Waiting inside the loop by the machine's clock, so that a test that drives the clock drives the waits too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agent.lab.clock import Clock


async def pause(clock: Clock, seconds: float) -> None:
    """Let this many of the clock's seconds pass."""
    if seconds <= 0:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    timer = clock.call_later(seconds, lambda: _tell(loop, over.set))
    try:
        await over.wait()
    finally:
        timer.cancel()


@asynccontextmanager
async def within(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError in the block once this many of the clock's seconds have passed."""
    loop = asyncio.get_running_loop()
    inside = True
    async with asyncio.timeout(None) as limit:

        def expire() -> None:
            if inside:
                limit.reschedule(loop.time())

        timer = clock.call_later(seconds, lambda: _tell(loop, expire))
        try:
            yield
        finally:
            inside = False
            timer.cancel()


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)
