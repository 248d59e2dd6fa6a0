"""Processor time of a piece of work, for tests that tell linear from quadratic. No test asserts speed with it."""

import gc
import time
from collections.abc import Callable


def processor_seconds(work: Callable[[], object], *, good: float = 0.0, tries: int = 3) -> float:
    """Least processor time of a few tries, in seconds; no further try after one that took at most `good`.

    The collector is off meanwhile: one pass over what a whole test run has left behind takes longer than the work.
    """
    best = float("inf")
    was_on = gc.isenabled()
    for _ in range(tries):
        gc.collect()
        gc.disable()
        begin = time.process_time()
        try:
            work()
        finally:
            best = min(best, time.process_time() - begin)
            if was_on:
                gc.enable()
        if best <= good:
            break
    return best
