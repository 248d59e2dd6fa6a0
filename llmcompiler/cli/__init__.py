"""The command line. It is a composition root: it may look at every package of the project, and nothing imports it."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments` (by default those of the process) and exit.

    Raises:
        SystemExit: Always, with 0 (answered), 1 (failed), 2 (bad usage), 130 (Ctrl-C) or 143 (terminated).
    """
    from ._app import app
    from ._streams import FAILED, Interrupted, leaving, prepare, tell

    prepare()
    try:
        with leaving(for_good=arguments is None):
            app(args=None if arguments is None else list(arguments), prog_name="llmcompiler")
    except KeyboardInterrupt:
        raise SystemExit(Interrupted.code) from None
    except OSError as e:  # commands tell their own errors; this is help that has nowhere to go
        tell(f"error: {e.strerror or e}")
        raise SystemExit(FAILED) from None


__all__ = ["main"]
