"""Threads that take turns on a clock that nobody waits for: one runs at a time, and a seed says which comes next.

So that thousands of plays take no time, two plays of the same seed are the same, and what fails can be made smaller.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any


class DeadlockError(AssertionError):
    """Everybody waits for somebody else."""


class _Actor:
    """A thread that may run when it is its turn."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = threading.Semaphore(0)
        self.until: float | None = None  # asleep until then
        self.ready: Callable[[], bool] | None = None  # ... or waiting for something
        self.is_done = False


class Stage:
    """The clock, and whose turn it is; made by the thread that plays the first part."""

    def __init__(self, seed: int) -> None:
        self.time = 0.0
        self._rng = random.Random(seed)
        self._me = threading.local()
        self._actors: list[_Actor] = []
        self._me.actor = self._join("main")

    def now(self) -> float:
        """Seconds from the beginning of the play."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Others go on; afterwards so much time has passed."""
        self._me.actor.until = self.time + max(0.0, seconds)
        self._pass_on()

    def pause(self) -> None:
        """Others may go on."""
        self._pass_on()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Others go on until it is so."""
        if not ready():
            self._me.actor.ready = ready
            self._pass_on()

    def spawn(self, name: str, work: Callable[[], None]) -> Callable[[], bool]:
        """Let somebody else play; gives the question whether that has ended."""
        actor = self._join(name)

        def play() -> None:
            self._me.actor = actor
            actor.turn.acquire()
            try:
                work()
            finally:
                actor.is_done = True
                self._actors.remove(actor)
                self._next().turn.release()

        threading.Thread(target=play, name=name, daemon=True).start()
        return lambda: actor.is_done

    def _join(self, name: str) -> _Actor:
        actor = _Actor(name)
        self._actors.append(actor)
        return actor

    def _pass_on(self) -> None:
        me, coming = self._me.actor, self._next()
        if coming is not me:
            coming.turn.release()
            me.turn.acquire()

    def _next(self) -> _Actor:
        """Somebody who can go on; where all sleep, the first to wake, and the time has passed."""
        able = [each for each in self._actors if self._is_able(each)]
        if not able:
            asleep = [each for each in self._actors if each.until is not None]
            if not asleep:
                raise DeadlockError(f"nobody can go on: {[each.name for each in self._actors]}")
            self.time = min(each.until for each in asleep if each.until is not None)
            able = [each for each in self._actors if self._is_able(each)]
        coming = able[0] if len(able) == 1 else self._rng.choice(able)
        coming.until = coming.ready = None
        return coming

    def _is_able(self, actor: _Actor) -> bool:
        if actor.until is not None:
            return actor.until <= self.time
        return actor.ready is None or actor.ready()


class Promise:
    """What a pool gives for a piece of work; waits as the others on the stage do."""

    def __init__(self, stage: Stage, work: Callable[[], Any]) -> None:
        self._stage = stage
        self._work = work
        self._is_done = self._is_cancelled = False
        self._result: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """It has come to an end."""
        return self._is_done

    def cancel(self) -> bool:
        """It need not begin any more."""
        self._is_cancelled = self._is_done = not self._is_done
        return self._is_cancelled

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What it ended with."""
        self._stage.wait(self.done)
        return self._error

    def result(self, timeout: float | None = None) -> Any:
        """What came of it."""
        self._stage.wait(self.done)
        if self._is_cancelled:
            raise CancelledError
        if self._error is not None:
            raise self._error
        return self._result

    def keep(self) -> None:
        """Do it, unless it was cancelled."""
        if self._is_done:
            return
        try:
            self._result = self._work()
        except BaseException as error:  # a worker hands everything to the one who asks for the result
            self._error = error
        self._is_done = True


class Pool:
    """A ThreadPoolExecutor whose workers play on the stage."""

    def __init__(self, stage: Stage, max_workers: int, thread_name_prefix: str = "worker") -> None:
        self._stage = stage
        self._most = max_workers
        self._name = thread_name_prefix
        self._waiting: list[Promise] = []
        self._workers: list[Callable[[], bool]] = []
        self._is_over = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Promise:
        """Somebody will do it."""
        promise = Promise(self._stage, lambda: work(*given, **named))
        self._waiting.append(promise)
        if len(self._workers) < self._most:
            self._workers.append(self._stage.spawn(f"{self._name}-{len(self._workers)}", self._serve))
        return promise

    def map(self, work: Callable[[Any], Any], *items: Any) -> list[Any]:
        """In the order of the items."""
        return [each.result() for each in [self.submit(work, *found) for found in zip(*items, strict=False)]]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing new comes; what waits is done first, or cancelled."""
        if cancel_futures:
            for each in self._waiting:
                each.cancel()
        self._is_over = True
        if wait:
            self._stage.wait(lambda: all(is_done() for is_done in self._workers))

    def _serve(self) -> None:
        while True:
            self._stage.wait(lambda: bool(self._waiting) or self._is_over)
            if not self._waiting:
                return
            self._waiting.pop(0).keep()
