"""What the tests of faults share: a process that forks fits, and the model that an undisturbed fit ends with."""

from __future__ import annotations

import pytest
from fits import Fits


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
