"""``import isthmus`` is cheap: no heavy package, next to no time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"
HEAVY = ("torch", "sklearn", "numpy", "scipy", "pyarrow", "pandas", "polars", "matplotlib", "PIL", "click", "rich")


def run(code: str) -> str:
    """What a fresh Python prints."""
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def seconds(code: str) -> float:
    """The time of a fresh Python that runs ``code``."""
    start = time.perf_counter()
    run(code)
    return time.perf_counter() - start


def test_import_loads_nothing_heavy():
    """No package that takes time to load is loaded before it is needed."""
    loaded = run(f"import sys, isthmus; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_errors_load_nothing_heavy():
    """Catching an error of isthmus does not cost an import of torch."""
    loaded = run(f"import sys, isthmus; isthmus.UserError; print([n for n in {HEAVY!r} if n in sys.modules])")
    assert loaded.strip() == "[]"


def test_import_takes_no_time():
    """``import isthmus`` takes under 0.1 s more than Python itself (best of five each: the machine may be busy)."""
    bare, ours = [], []
    for _ in range(5):
        bare.append(seconds("pass"))
        ours.append(seconds("import isthmus"))
    assert min(ours) - min(bare) < 0.1
