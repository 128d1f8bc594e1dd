"""What the tests of faults share: a process that forks fits, and the model that an undisturbed fit ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def fits():
    """A `Fits`."""
    made = Fits()
    yield made
    made.close()


@pytest.fixture(scope="session")
def undisturbed(fits, tmp_path_factory):
    """What a fit that nothing happens to gives: its calls of the file layer and its model's SHA-256."""
    found = fits.run(tmp_path_factory.mktemp("undisturbed"))
    assert found["ended"] == 0
    assert found["resumed_from"] == 0
    return found


@pytest.fixture
def leftovers():
    """A function that lists the files and folders in a folder that were never finished."""
    return lambda folder: [str(path) for path in folder.rglob(".isthmus-*")]
