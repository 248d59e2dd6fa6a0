"""How long `import llmcompiler` takes, in fresh processes, beside the import of pydantic alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any


def _seconds(statement: str, repeats: int) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    times = []
    for _ in range(repeats):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        times.append(float(out.stdout))
    return statistics.median(times)


def measure(repeats: int = 9) -> list[dict[str, Any]]:
    """One row: seconds, medians."""
    return [
        {
            "import llmcompiler (s)": _seconds("import llmcompiler", repeats),
            "import pydantic, asyncio (s)": _seconds(
                "import asyncio; from pydantic import BaseModel, TypeAdapter", repeats
            ),
        }
    ]
