"""Colours that can be told apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from isthmus.views.colours import GROUPS, MARKS, groups_of
from isthmus.views.labels import group_labels

# Linear RGB as seen with each kind of colour blindness; Machado, Oliveira, Fernandes 2009, severity 1.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colours, sight):
    """CIE L*a*b* of ``#rrggbb`` as seen."""
    share = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    seen = (np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ np.array(sight).T).clip(0, 1)
    f = np.cbrt(seen @ TO_XYZ.T / TO_XYZ.sum(axis=1))
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_look_alike(sight):
    """Any two of the ten colours differ by well over what side by side looks the same (2.3 in L*a*b*)."""
    found = lab(GROUPS, SIGHT[sight])
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(found, 2)) > 15


def test_every_point_has_one_group():
    """Groups and steps share the rows out among themselves."""
    for values in (["b", None, "a", "b"], [float(n) for n in range(40)] + [None], list("abcdefghijklmnopqrstuvwxyz")):
        groups = groups_of(group_labels(values, "y"), len(values))
        assert sorted(np.concatenate([group.rows for group in groups])) == list(range(len(values)))


def test_twenty_groups_have_twenty_looks():
    """Where colours come again, the mark differs."""
    groups = groups_of(group_labels([f"{n:02}" for n in range(20)], "y"), 20)
    assert len({(group.colour, group.mark) for group in groups}) == 20
    assert {group.mark for group in groups} == set(MARKS)


def test_numbers_that_are_all_missing_but_few():
    """Steps go from the smallest to the largest number; rows without one are a group of their own."""
    groups = groups_of(group_labels([None, *map(float, range(30))], "y"), 31)
    assert groups[-1].name == "no label"
    assert (groups[0].rows[0], groups[-2].rows[-1]) == (1, 30)
