"""Fits in children of a process of its own: the client of `zygote.py`, for the tests and for `bench/kills.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ZYGOTE = Path(__file__).with_name("zygote.py")


class Fits:
    """Runs fits in children of a process of its own; see `zygote.py` for what an order holds."""

    def __init__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(ZYGOTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, folder, **order):
        """One fit in ``folder``; what came of it."""
        order = {"run_dir": str(folder / "run"), "target": str(folder / "model.safetensors"), **order}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["ended"] != 70, "the child ended with an error of its own"
        return answer

    def close(self):
        """End the process."""
        self.process.communicate()
