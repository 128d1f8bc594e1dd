from __future__ import annotations

import json

import pytest

from isthmus.data import datasets


@pytest.mark.parametrize("words", [["datasets"], ["datasets", "list"]])
def test_every_set_is_listed(run, words, monkeypatch):
    """Names, sizes and whether they are here."""
    monkeypatch.delenv(datasets.FOLDER_VARIABLE, raising=False)
    out = run(*words).out
    assert all(name in out for name in datasets.names())
    assert "ISTHMUS_DATA" in out


def test_json(run):
    """The list as JSON has one object per set, and the digits are always here."""
    found = json.loads(run("datasets", "list", "--json").out)
    assert [entry["name"] for entry in found] == list(datasets.names())
    assert found[0]["here"]
