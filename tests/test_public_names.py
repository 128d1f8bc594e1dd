"""What ``import isthmus`` offers: a pinned list, each name of which leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import isthmus

NAMES = [
    "AnomalyDetector",
    "Autoencoder",
    "DataError",
    "DataTypeError",
    "DenoisingAutoencoder",
    "IsthmusError",
    "IsthmusWarning",
    "MissingPackageError",
    "ModelFileError",
    "OutputError",
    "ParameterError",
    "UserError",
    "__version__",
    "corruptions",
    "datasets",
    "load",
    "nearest",
    "probe",
    "read",
    "recipes",
    "relevance",
    "report",
    "traverse",
]


def test_names_are_pinned():
    """A public name is added or removed on purpose: here, in the changelog and in the reference."""
    assert sorted(isthmus.__all__) == NAMES


def test_dir_lists_the_public_names():
    """Completion in a notebook shows the public names and nothing else."""
    assert sorted(dir(isthmus)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves(name):
    """Each public name can be had, and has a docstring unless it is plain text."""
    value = getattr(isthmus, name)
    assert isinstance(value, str) or value.__doc__


def test_report_is_the_function():
    """``isthmus.report`` stays the function after its module was imported."""
    import isthmus.views.report

    assert callable(isthmus.report)


def test_unknown_name():
    """An unknown name is an AttributeError that lists the known ones."""
    with pytest.raises(AttributeError, match=r"has no attribute 'Autoencodr'; it has AnomalyDetector,"):
        _ = isthmus.Autoencodr


def test_version_is_in_the_changelog():
    """The changelog tells what is in this version."""
    changelog = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{isthmus.__version__}]" in changelog
