"""Without OpenTelemetry: nothing needs it until it is asked for, and then the error says what to install."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import llmcompiler
from llmcompiler.telemetry import LoggingReporter, RunContextFilter
try:
    from llmcompiler.telemetry import OpenTelemetryReporter
except llmcompiler.ConfigurationError as e:
    print(e)
"""


def test_the_error_names_the_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=30, check=True
    )
    assert (
        done.stdout == "OpenTelemetryReporter needs OpenTelemetry: pip install 'llmcompiler-runtime[otel]'\n"
    )


def test_importing_the_package_imports_none_of_it() -> None:
    code = "import sys, llmcompiler, llmcompiler.telemetry; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"
