"""Tests of `isthmus.files.migrations`: files of earlier releases are read in today's form, and keep their digest."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from isthmus.errors import ModelFileError
from isthmus.files import container, header, migrations


@pytest.fixture
def added(monkeypatch):
    """A key that joined the plan of a model, and one that joined a detector."""
    monkeypatch.setitem(migrations.ADDED, "Autoencoder", {"plan.hope": [0.5], "faith": None})
    monkeypatch.setitem(migrations.ADDED, "AnomalyDetector", {"rule.charity": 1})


@pytest.fixture
def next_format(monkeypatch):
    """A release whose format is one higher, and which calls what was ``size`` ``latent_dim``."""

    def renamed(spec):
        spec["latent_dim"] = spec.pop("size")
        return spec

    monkeypatch.setattr(header, "FORMAT", header.FORMAT + 1)
    monkeypatch.setitem(migrations.STEPS, header.FORMAT - 1, renamed)


def test_keys_that_came_later_are_filled_in(added):
    """A missing key gets the value under which the file means what it meant."""
    spec = {"estimator": "Autoencoder", "plan": {"members": 1}}
    assert migrations.current(spec, 1, 1) == {**spec, "plan": {"members": 1, "hope": [0.5]}, "faith": None}


def test_keys_that_are_there_stay(added):
    """A key that the file has is never overwritten."""
    spec = {"estimator": "Autoencoder", "plan": {"hope": None}, "faith": 3}
    assert migrations.current(spec, 1, 1) == spec


def test_the_model_inside_a_detector(added):
    """A detector's keys are filled in, and those of its model."""
    spec = {"estimator": "AnomalyDetector", "rule": {}, "model": {"estimator": "Autoencoder", "plan": {}}}
    found = migrations.current(spec, 1, 1)
    assert found["rule"] == {"charity": 1}
    assert found["model"] == {"estimator": "Autoencoder", "plan": {"hope": [0.5]}, "faith": None}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"estimator": ["Autoencoder"]},
        {"estimator": "os.system"},
        {"estimator": "Autoencoder", "plan": [], "faith": 1},
    ],
)
def test_what_makes_no_sense_is_left_for_the_schema(added, spec):
    """Nothing is made up where a place is not what it must be."""
    assert migrations.current(spec, 1, 1) == spec


def test_the_spec_as_written_is_not_changed(added):
    """The digest covers what was written, so that must stay as it is, and the table too."""
    spec = {"estimator": "Autoencoder", "plan": {"members": 1}}
    before = copy.deepcopy(spec)
    migrations.current(spec, 1, 1)["plan"]["hope"].append(1)
    assert spec == before
    assert migrations.ADDED["Autoencoder"]["plan.hope"] == [0.5]


def test_a_file_that_lacks_a_key_is_read(path, small, added):
    """The reader is shown the filled spec, and the digest of the old one holds."""
    container.write(path, {"estimator": "Autoencoder", "plan": {}}, {"w": np.ones(2, np.float32)})
    shown = []
    spec, _ = container.read(path, lambda spec: shown.append(spec) or small(spec))
    assert shown == [spec]
    assert spec["plan"] == {"hope": [0.5]}
    assert container.read_header(path).spec == spec
    assert container.read_header(path).written == {"estimator": "Autoencoder", "plan": {}}


def test_a_file_of_the_format_before_is_read(path, small, request):
    """A step makes an old spec a new one; the file keeps its number and its digest."""
    container.write(path, {"size": 2}, {"w": np.ones(2, np.float32)})
    request.getfixturevalue("next_format")
    assert container.read(path, small)[0] == {"latent_dim": 2}
    assert container.read_header(path).format == header.FORMAT - 1


def test_an_old_spec_that_makes_no_sense(path, small, request):
    """What a step cannot use is a damaged file."""
    container.write(path, {"other": 2}, {"w": np.ones(2, np.float32)})
    request.getfixturevalue("next_format")
    with pytest.raises(ModelFileError, match=r"Cannot load .*: its spec is not one of file format 1;"):
        container.read(path, small)


def test_every_format_that_was_left_behind_has_a_step():
    """No number lacks its step."""
    assert set(migrations.STEPS) == set(range(1, header.FORMAT))


def test_every_place_is_in_the_schema():
    """A row of `ADDED` names a key that the schema of its estimator has."""
    from isthmus.models import saving

    for name, rows in migrations.ADDED.items():
        for place in rows:
            rule = saving.SCHEMA.cases[name]
            for key in place.split("."):
                assert key in rule.fields, f"{name} has no {place}"
                rule = rule.fields[key]
