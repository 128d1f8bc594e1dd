"""What a run directory holds: damaged checkpoints, fits that differ, a finished fit, two processes."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from isthmus.atomic_folder import Hold
from isthmus.errors import IsthmusWarning, ModelFileError, OutputError, RunBusyError, RunChangedError
from isthmus.files.run_folder import RunFolder, discard, read_checkpoint


@pytest.fixture
def folder(tmp_path):
    """A run directory with the checkpoints of steps 3, 7 and 12."""
    made = RunFolder(tmp_path / "run")
    made.adopt({"fit": {"max_epochs": "60", "seed": 1}, "data": {"rows": 10}})
    for step in (3, 7, 12):
        made.save(step, {"step": step}, {"model": {"w": np.full((2, 3), step, np.float32)}, "best": {"b": np.zeros(2)}})
    yield made
    made.close()


def test_round_trip(folder):
    """What was saved last comes back; the last two are kept."""
    state, arrays = folder.latest()
    assert state == {"step": 12}
    np.testing.assert_array_equal(arrays["model"]["w"], np.full((2, 3), 12))
    assert folder.steps() == [7, 12]


def test_later_steps_of_another_course_go(folder):
    """A fit that went on from an older checkpoint is newer than what lies behind it."""
    folder.save(9, {"step": 9}, {"model": {"w": np.ones(1)}})
    assert folder.latest()[0] == {"step": 9}
    assert folder.steps() == [7, 9]


def files_of(folder, step=12):
    """The files of a checkpoint."""
    return sorted((folder.path / "ckpt" / f"{step:09d}").iterdir())


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "missing", "folder"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(folder, harm):
    """It is moved aside with a warning, whatever file of it is harmed."""
    for number in range(len(files_of(folder))):
        path = files_of(folder)[number]
        raw = path.read_bytes()
        path.unlink()
        if harm == "folder":
            path.mkdir()
        elif harm != "missing":
            flipped = bytes([*raw[:5], raw[5] ^ 1, *raw[6:]])
            path.write_bytes({"flip": flipped, "cut": raw[:-1], "empty": b""}[harm])
        with pytest.warns(IsthmusWarning, match="damaged.*moved to"):
            assert folder.latest()[0] == {"step": 7}
        assert folder.steps() == [7]
        folder.save(12, {"step": 12}, {"model": {"w": np.ones((2, 3))}, "best": {"b": np.zeros(2)}})
        folder.save(7, {"step": 7}, {"model": {"w": np.ones(1)}})
        folder.save(12, {"step": 12}, {"model": {"w": np.ones((2, 3))}, "best": {"b": np.zeros(2)}})


def test_every_byte_of_a_checkpoint_counts(folder, tmp_path):
    """One bit changed anywhere in it, or any end cut off, and it is refused."""
    source, copy = folder.path / "ckpt" / "000000012", tmp_path / "ckpt" / "000000012"
    shutil.copytree(source, copy)
    assert read_checkpoint(copy)[0] == {"step": 12}
    for path in sorted(copy.iterdir()):
        raw = path.read_bytes()
        harmed = [bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]]) for place in range(len(raw))]
        harmed += [raw[:length] for length in range(len(raw))]
        for data in harmed:
            path.write_bytes(data)
            with pytest.raises(ModelFileError, match="damaged"):
                read_checkpoint(copy)
        path.write_bytes(raw)


def test_nothing_whole_is_an_error_and_stays_one(folder):
    """No silent start from zero, now or on the next try."""
    for step in folder.steps():
        (folder.path / "ckpt" / f"{step:09d}" / "MANIFEST.json").write_bytes(b"{}")
    words = r"No checkpoint in .* is whole\. Start over with fresh"
    with pytest.warns(IsthmusWarning, match="moved to"), pytest.raises(ModelFileError, match=words):
        folder.latest()
    with pytest.raises(ModelFileError, match=words):
        folder.latest()


def test_what_differs_is_named(folder):
    """Settings, data and versions, each with what it was and is."""
    with pytest.raises(RunChangedError, match=r"unfinished.*rows was 10, is 11; max_epochs was 60, is 80") as caught:
        folder.adopt({"fit": {"max_epochs": "80", "seed": 1}, "data": {"rows": 11}})
    assert not caught.value.finished
    folder.adopt({"fit": {"max_epochs": "80", "seed": 1}, "data": {"rows": 11}}, changes=True)
    folder.adopt({"fit": {"max_epochs": "80", "seed": 1}, "data": {"rows": 11}})


def test_without_a_checkpoint_anything_may_follow(tmp_path):
    """A fit that was over before its first checkpoint leaves nothing to protect."""
    folder = RunFolder(tmp_path / "run")
    folder.adopt({"fit": {"a": "1"}})
    folder.adopt({"fit": {"a": "2"}})
    folder.close()
    discard(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_fresh_forgets(folder):
    """Checkpoints and quarantine are gone."""
    folder.close()
    again = RunFolder(folder.path, fresh=True)
    assert again.steps() == [7, 12]  # until the fit in its place is accepted
    again.adopt({"fit": {"seed": 2}})
    assert (again.latest(), again.identity(), again.is_empty()) == (None, {"fit": {"seed": 2}}, True)
    again.close()


@pytest.mark.parametrize("path", ["notes.txt", "ckpt/lightning/last.ckpt", "run.json"])
@pytest.mark.parametrize("fresh", [False, True])
def test_other_things_are_left_alone(tmp_path, path, fresh):
    """A folder that is no run directory is refused, and nothing in it is touched."""
    file = tmp_path / "run" / path
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    with pytest.raises(OutputError, match="holds other things and no fit"):
        RunFolder(tmp_path / "run", fresh=fresh)
    discard(tmp_path / "run", whole=True)
    assert file.read_text() == "{}"


@pytest.mark.parametrize("beside", [["LOCK"], ["LOCK", "ckpt"]], ids=str)
def test_killed_while_it_was_described(tmp_path, beside):
    """A half-written description is no other thing: the folder is free, and the half goes."""
    path = tmp_path / "run"
    path.mkdir()
    for name in beside:
        (path / name).touch() if name == "LOCK" else (path / name).mkdir()
    (path / ".isthmus-0123456789abcdef.tmp").write_text('{"fit": {"se')
    RunFolder(path).close()
    assert sorted(entry.name for entry in path.iterdir()) == ["LOCK", "ckpt"]
    (path / ".isthmus-0123456789abcdef.tmp").write_text('{"fit": {"se')
    discard(path)
    assert not path.exists()


def test_what_is_not_ours_survives(folder):
    """Fresh and discard remove what a fit wrote, and keep what somebody put beside it."""
    (folder.path / "notes.txt").write_text("mine")
    folder.close()
    again = RunFolder(folder.path, fresh=True)
    again.adopt({"fit": {"seed": 2}})
    again.close()
    discard(folder.path, whole=True)
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_the_same_state_is_not_written_twice(folder):
    """A whole checkpoint stays as it is, so that there is no moment without it."""
    before = [path.stat().st_ino for path in files_of(folder)]
    folder.save(12, {"step": 12}, {"model": {"w": np.full((2, 3), 12, np.float32)}, "best": {"b": np.zeros(2)}})
    assert [path.stat().st_ino for path in files_of(folder)] == before


@pytest.mark.parametrize("text", ['{"fit":[1]}', '{"fit":1}', "[1]", "{", "null"])
def test_a_damaged_description_is_one_error(folder, text):
    """Whatever stands in it."""
    (folder.path / "run.json").write_text(text)
    with pytest.raises(ModelFileError, match=r"run\.json.*Start over with fresh=True"):
        folder.adopt({"fit": {"seed": 1}})


def test_one_process_at_a_time(folder):
    """The second is refused and told who has it; a lock of a dead process holds nothing."""
    with pytest.raises(RunBusyError, match=f"in use by process {os.getpid()} on"):
        RunFolder(folder.path)
    assert folder.latest() is not None
    folder.close()
    (folder.path / "LOCK").write_text(json.dumps({"pid": 1, "host": "elsewhere", "started": 0}))
    RunFolder(folder.path).close()


@pytest.mark.parametrize(
    "place", ["LOCK", "run.json", "ckpt", "ckpt/000000012", "ckpt/000000012/state.json", "quarantine"]
)
def test_links_are_refused(folder, tmp_path, place):
    """A link anywhere in a run directory is refused before anything is opened; what it points at keeps its bytes."""
    folder.close()
    target, link = tmp_path / "precious", folder.path / place
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(OutputError, match=r"symbolic link|other things"):
        RunFolder(folder.path)
    assert target.read_text() == "precious"


def test_a_lock_is_never_opened_through_a_link(tmp_path):
    """Not even one that appears between the look for links and the opening of the lock."""
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "LOCK").symlink_to(target)
    with pytest.raises(OutputError, match="Cannot use the run directory"):
        Hold(tmp_path)
    assert target.read_text() == "precious"


def test_fresh_removes_only_names_that_are_ours(folder):
    """A folder whose name merely begins like a step is somebody's own and stays."""
    folder.close()
    mine = folder.path / "quarantine" / "000000012-my-notes"
    mine.mkdir(parents=True)
    again = RunFolder(folder.path, fresh=True)
    again.adopt({"fit": {"seed": 2}})
    again.close()
    assert mine.is_dir()
