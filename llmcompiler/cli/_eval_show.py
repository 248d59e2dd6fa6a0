"""How `eval` looks on a terminal: a bar while questions are asked, and tables drawn with what room there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table as Grid
from rich.text import Text

from ..evaluation import Progress
from ..evaluation.tables import Table, percent
from ._display import _can_draw
from ._streams import tell


class Meter:
    """Shows how far it is: a bar on a terminal, a line now and then elsewhere, or nothing."""

    def __init__(self, quiet: bool) -> None:
        self.done = self.total = self.before = self.right = self.failed = 0
        self._lines = not quiet
        self._said = 0
        self._bar: Bar | None = None
        if not quiet and _can_draw():
            self._lines = False
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("asking", total=None)

    def __enter__(self) -> Meter:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Take note of an answer."""
        self.done, self.total = progress.done, progress.total
        record = progress.record
        if record is None:
            self.before = progress.done
            if self.before and (self._lines or self._bar is not None):
                tell(f"{self.before} of {self.total} are answered already")
        else:
            self.right += record.right
            self.failed += record.error is not None
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, total=self.total, description=self._now())
        elif self._lines and record is not None:
            tenth = 10 * self.done // max(1, self.total)
            if tenth > self._said or self.done == self.total:
                tell(f"{self.done} of {self.total}: {self._now()}")
            self._said = tenth

    def _now(self) -> str:
        asked = self.done - self.before
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{percent(self.right / asked)} right{failed}" if asked else "asking"

    def progress(self) -> str:
        """How far it came."""
        return f" after {self.done} of {self.total} answers" if self.total else " before anything was asked"


def draw(tables: Sequence[Table], out: TextIO, width: int | None = None) -> None:
    """Draw tables, in as many columns as the terminal has unless told."""
    console = Console(file=out, highlight=False, width=width)
    for k, table in enumerate(tables):
        if k:
            console.print()
        console.print(Text(table.title, style="bold"))
        console.print(_grid(table, console.width))
        for note in table.notes:
            console.print(Text(note, style="dim"))


def _grid(table: Table, width: int) -> Grid:
    """A table of numbers keeps each of them on one line, as long as the terminal has room for that."""
    heads, gap = list(table.columns), 2
    if table.right and _needs(heads, table, gap) > width:
        heads, gap = [c if c == "95 %" else c.replace(" ", "\n") for c in heads], 1
    whole = table.right and _needs(heads, table, gap) <= width
    grid = Grid(header_style="bold", box=None, pad_edge=False, collapse_padding=gap == 1)
    for k, head in enumerate(heads):
        numbers = bool(k and table.right)
        grid.add_column(
            Text(head), justify="right" if numbers else "left", overflow="fold", no_wrap=numbers and whole
        )
    for row in table.rows:
        grid.add_row(*map(Text, row))
    return grid


def _needs(heads: Sequence[str], table: Table, gap: int) -> int:
    """Cells that the table needs for its numbers; the first column can be folded."""
    widths = [
        max(cell_len(line) for row in (heads, *table.rows) for line in row[k].split("\n"))
        for k in range(len(heads))
    ]
    return min(widths[0], 8) + sum(widths[1:]) + gap * (len(widths) - 1)
