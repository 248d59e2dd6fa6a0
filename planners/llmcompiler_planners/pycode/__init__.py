"""Plans written as straight Python: read by `ast`, never executed; what flows from call to call is the task graph.

`PythonPlanReader` reads text that arrives in pieces, `read_python_plan` reads it at once, `plan_to_python` writes it.
"""

from __future__ import annotations

from .printer import plan_to_python
from .reading import PythonPlanReader, read_python_plan

__all__ = ["PythonPlanReader", "plan_to_python", "read_python_plan"]
