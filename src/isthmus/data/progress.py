"""A bar on standard error for bytes that take a while, with the time left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """A bar that appears once the work is seen to take over ``patience`` seconds, and only on a terminal.

    Parameters
    ----------
    title : str
        What stands before the bar.
    total : int
        Bytes of the whole work.
    patience : float, default 2
        Seconds of work that need no bar.
    """

    def __init__(self, title: str, total: int, *, patience: float = 2.0) -> None:
        self._title, self._total, self._patience = title, total, patience
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._start = time.monotonic()
        self._first: int | None = None
        self._done = 0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int) -> None:
        """Say how many bytes are done; the first call says where this run begins."""
        self._done = done
        if self._first is None:
            self._first = done
        if not self._shown:
            return
        if self._bar is None:
            elapsed = time.monotonic() - self._start
            share = (done - self._first) / max(1, self._total - self._first)
            if elapsed < 0.5 or elapsed < self._patience * share:
                return
            self._open()
        self._bar.update(self._task, completed=done)

    def advance(self, more: int) -> None:
        """Say how many bytes more are done."""
        if self._first is None:
            self._first = 0
        self.update(self._done + more)

    def _open(self) -> None:
        # rich takes a tenth of a second to import, which quick downloads do not need to pay.
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
            TextColumn("left"),
        )  # fmt: skip
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._title, total=self._total, completed=self._first or 0)
        self._bar.start()
