"""A running event loop in a thread, for tests whose clients block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
DEADLINE = 20.0


class LoopThread:
    """`run` a coroutine, or `call` a function, in the loop and wait for it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE)

    def call(self, function: Callable[[], T]) -> T:
        """The function's result, called in the loop's thread."""

        async def inside() -> T:
            return function()

        return self.run(inside())

    def until(self, claim: Callable[[], bool]) -> bool:
        """Let the loop turn until the claim is true, or the deadline is past."""

        async def watch() -> bool:
            async with asyncio.timeout(DEADLINE):
                while not claim():
                    await asyncio.sleep(0.005)
            return True

        try:
            return self.run(watch())
        except TimeoutError:
            return False

    def close(self) -> None:
        """Stop the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)
        self.loop.close()
