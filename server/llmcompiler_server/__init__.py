"""The HTTP service of llmcompiler.

It arrives with a later release; until then this package only holds its place. Use the library or the `llmcompiler`
command.
"""

from __future__ import annotations

__all__: list[str] = []
