"""A fit with a run directory that was stopped goes on to the same bytes, whatever it trains and wherever it stopped."""

from __future__ import annotations

import functools
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from torch import nn

import isthmus
from isthmus.corruptions import GaussianNoise
from isthmus.errors import DataError, IsthmusWarning, ModelFileError, ParameterError, RunBusyError, RunChangedError
from isthmus.files.run_folder import RunFolder
from isthmus.train.callbacks import Callback


class StoppedError(Exception):
    """What ends a fit in these tests: like a kill, nothing is saved for it."""


class StopAt(Callback):
    """Ends the fit in a step, before its checkpoint is written."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, state):
        if state.step == self.step:
            raise StoppedError


def rows(n=60):
    """A bent sheet in 4 columns, (n, 4)."""
    t = np.random.default_rng(3).uniform(-1, 1, (n, 2))
    return np.stack([t[:, 0], t[:, 1], t[:, 0] * t[:, 1], t[:, 1] ** 2], axis=1).astype(np.float32)


def pictures():
    """Small pictures of slopes, (40, 6, 6)."""
    a = np.random.default_rng(4).uniform(-1, 1, (40, 2, 1, 1))
    x = np.arange(6)
    return (a[:, 0] * x[:, None] + a[:, 1] * x).astype(np.float32)


def with_dropout(shape, latent_dim):
    """A network that draws from torch's own generator in each step."""
    encoder = nn.Sequential(nn.Linear(*shape, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, latent_dim))
    return encoder, nn.Linear(latent_dim, *shape)


KINDS = {
    "table": (rows, {}),
    "members": (rows, {"members": 3}),
    "sgd with momentum": (rows, {"optimizer": "sgd", "optimizer_options": {"momentum": 0.9}, "learning_rate": 0.01}),
    "adadelta": (rows, {"optimizer": "adadelta", "learning_rate": 1.0}),
    "rmsprop": (rows, {"optimizer": "rmsprop", "learning_rate": 0.001}),
    "rmsprop-tf": (rows, {"optimizer": "rmsprop-tf", "learning_rate": 0.001}),
    "constant rate": (rows, {"schedule": "constant", "keep": "last", "validation_fraction": 0.0}),
    "trimmed huber": (rows, {"trim": 0.2, "loss": "huber"}),
    "dropout": (rows, {"network": with_dropout}),
    "pictures": (pictures, {"network": "conv"}),
    "early stop": (rows, {"patience": 2, "max_epochs": 12, "learning_rate": 0.05}),
}
FEW = {"max_epochs": 3, "batch_size": 20, "random_state": 0, "progress": False}


def content(model, folder):
    """The bytes of the model's file, or what stands for them where it has none to offer."""
    if model.plan_.network == "custom":
        return str(model.history_), model.reconstruct(rows()).tobytes()
    model.save(folder / "m.safetensors")
    return (folder / "m.safetensors").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fit_goes_on(kind, tmp_path):
    """Stopped in the middle of an epoch, at its end and once more: the bytes of a fit that was not."""
    make, changes = KINDS[kind]
    choices = {"latent_dim": 2, **FEW, **changes}
    plain = isthmus.Autoencoder(**choices).fit(make())
    for step in (3, 5, 6):
        stopped = isthmus.Autoencoder(
            **choices, run_dir=tmp_path / "run", checkpoint_seconds=0, callbacks=(StopAt(step),)
        )
        with pytest.raises(StoppedError):
            stopped.fit(make())
    again = isthmus.Autoencoder(**choices, run_dir=tmp_path / "run", checkpoint_seconds=0).fit(make())
    steps = again.resumed_from_step_
    assert steps == 5
    assert content(again, tmp_path) == content(plain, tmp_path)
    finished = isthmus.Autoencoder(**choices, run_dir=tmp_path / "run").fit(make())
    assert finished.resumed_from_step_ > steps
    assert content(finished, tmp_path) == content(plain, tmp_path)


@pytest.mark.parametrize("paired", [False, True])
def test_a_denoising_fit_goes_on(tmp_path, paired):
    """Noise is a function of the seed and the step; pairs are part of the data."""
    seen = (rows() + 0.1, rows()) if paired else (rows(),)
    corruption = "auto" if paired else GaussianNoise(0.2)

    def model(**more):
        return isthmus.DenoisingAutoencoder(corruption, latent_dim=2, **FEW, **more)

    run = {"run_dir": tmp_path / "run", "checkpoint_seconds": 0}
    with pytest.raises(StoppedError):
        model(**run, callbacks=(StopAt(5),)).fit(*seen)
    again = model(**run).fit(*seen)
    assert again.resumed_from_step_ == 4
    assert content(again, tmp_path) == content(model().fit(*seen), tmp_path)
    other = isthmus.DenoisingAutoencoder(corruption if paired else GaussianNoise(0.3), latent_dim=2, **FEW, **run)
    with pytest.raises(RunChangedError, match="spoiled values was" if paired else "corruption was"):
        other.fit(*((rows() + 0.2, rows()) if paired else seen))


@pytest.fixture
def stopped(tmp_path):
    """A run directory with a fit that was stopped after step 4, and what it was told."""
    choices = {"latent_dim": 2, **FEW, "run_dir": tmp_path / "run", "checkpoint_seconds": 0}
    with pytest.raises(StoppedError):
        isthmus.Autoencoder(**choices, callbacks=(StopAt(5),)).fit(rows())
    return choices


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_epochs": 4}, "max_epochs was 3, is 4"),
        ({"random_state": 1}, "seed was 0, is 1"),
        ({"learning_rate": 0.5}, "learning_rate was .*, is 0.5"),
        ({"hidden_dims": (5,)}, "hidden_dims was .*, is"),
    ],
)
def test_other_settings_are_refused(stopped, changes, words):
    """What differs is named, and the checkpoints stay."""
    with pytest.raises(RunChangedError, match=f"unfinished fit that differs: .*{words}.*fresh=True"):
        isthmus.Autoencoder(**{**stopped, **changes}).fit(rows())
    assert isthmus.Autoencoder(**stopped).fit(rows()).resumed_from_step_ == 4


def test_other_data_are_refused(stopped):
    """Other values in as many rows, more rows, rows in another order."""
    changed = rows()
    changed[7, 1] += 0.01
    for data, words in ((changed, "values was"), (rows(70), "rows was 60, is 70"), (rows()[::-1].copy(), "values was")):
        with pytest.raises(RunChangedError, match=words):
            isthmus.Autoencoder(**stopped).fit(data)


def test_fresh_starts_over_and_resume_from_goes_on(stopped):
    """With the checkpoint named, even other settings go on; fresh forgets what is there."""
    named = stopped["run_dir"] / "ckpt" / "000000003"
    longer = isthmus.Autoencoder(**{**stopped, "max_epochs": 5}, resume_from=named).fit(rows())
    assert longer.resumed_from_step_ == 3
    assert longer.history_[-1]["epoch"] == 5
    anew = isthmus.Autoencoder(**stopped, fresh=True).fit(rows())
    assert anew.resumed_from_step_ == 0


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"fresh": True}, ParameterError, "fresh needs run_dir"),
        ({"resume_from": "here"}, ParameterError, "resume_from needs run_dir"),
        ({"run_dir": "run", "fresh": True, "resume_from": "here"}, ParameterError, "give one of them"),
        ({"run_dir": "run", "resume_from": "here"}, DataError, "is no checkpoint"),
        ({"run_dir": 7}, ParameterError, "run_dir of Autoencoder must be a path"),
        ({"checkpoint_seconds": -1}, ParameterError, "checkpoint_seconds"),
    ],
)
def test_wrong_settings_are_refused(changes, error, words, tmp_path, monkeypatch):
    """Before anything is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        isthmus.Autoencoder(**{"latent_dim": 2, **FEW, **changes}).fit(rows())
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_layers_is_refused(stopped):
    """Named or not, weights that do not fit are an error of one line."""
    named = stopped["run_dir"] / "ckpt" / "000000004"
    with pytest.raises(ModelFileError, match="network of other layers"):
        isthmus.Autoencoder(**{**stopped, "latent_dim": 1}, resume_from=named).fit(rows())


def test_a_drawn_seed_is_kept(tmp_path):
    """Without a seed the same call goes on all the same."""
    choices = {"latent_dim": 2, **FEW, "random_state": None, "run_dir": tmp_path / "run", "checkpoint_seconds": 0}
    first = isthmus.Autoencoder(**choices, callbacks=(StopAt(5),))
    with pytest.raises(StoppedError):
        first.fit(rows())
    again = isthmus.Autoencoder(**choices).fit(rows())
    assert (again.seed_, again.resumed_from_step_) == (first.seed_, 4)


def test_one_fit_at_a_time(stopped):
    """A second one is refused at once and leaves the first alone."""
    held = RunFolder(stopped["run_dir"])
    with pytest.raises(RunBusyError, match="in use by process"):
        isthmus.Autoencoder(**stopped).fit(rows())
    held.close()
    assert isthmus.Autoencoder(**stopped).fit(rows()).resumed_from_step_ == 4


def test_what_is_not_finite_is_never_saved(tmp_path):
    """Every checkpoint of a fit that breaks down holds finite weights, and it ends with the best of them."""
    choices = {"latent_dim": 2, **FEW, "max_epochs": 6, "optimizer": "sgd", "learning_rate": 1e20}
    with pytest.warns(IsthmusWarning, match="stopped being finite"):
        model = isthmus.Autoencoder(**choices, run_dir=tmp_path / "run", checkpoint_seconds=0).fit(rows())
    assert all(np.isfinite(value.numpy()).all() for value in model.network_.state_dict().values())
    folder = RunFolder(tmp_path / "run")
    state, arrays = folder.latest()
    folder.close()
    assert state["finished"]
    assert all(np.isfinite(array).all() for array in arrays["best"].values())


@settings(max_examples=8, stateful_step_count=8)
class Fitting(RuleBasedStateMachine):
    """Fits that are stopped anywhere, damaged and taken up again, in any order: the last model is always the same."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.run = f"{self.folder.name}/run"
        self.choices = {"latent_dim": 2, **FEW, "run_dir": self.run, "checkpoint_seconds": 0}
        self.model = None

    @rule(step=st.integers(1, 9))
    def stop(self, step):
        """Begin or go on, and stop at a step that may be past."""
        try:
            isthmus.Autoencoder(**self.choices, callbacks=(StopAt(step),)).fit(rows())
        except StoppedError:
            return

    @precondition(lambda self: len(self.steps()) == 2)
    @rule(place=st.integers(0, 10_000))
    def damage(self, place):
        """Flip a bit of the newest checkpoint."""
        path = Path(self.run) / "ckpt" / f"{self.steps()[-1]:09d}" / "model.safetensors"
        if path.exists():
            raw = bytearray(path.read_bytes())
            raw[place % len(raw)] ^= 16
            path.write_bytes(bytes(raw))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                folder = RunFolder(self.run)
                folder.latest()
                folder.close()

    @rule()
    def finish(self):
        """Go on to the end, save and load."""
        self.model = isthmus.Autoencoder(**self.choices).fit(rows())
        self.model.save(f"{self.folder.name}/m.safetensors")
        self.model = isthmus.load(f"{self.folder.name}/m.safetensors")

    def steps(self):
        """Steps of the checkpoints that are there."""
        return sorted(int(p.name) for p in Path(self.run).glob("ckpt/[0-9]*"))

    @invariant()
    def same_model(self):
        """What a fit that nothing happened to gives."""
        if self.model is not None:
            assert self.model.transform(rows()).tobytes() == plain_latents()

    def teardown(self):
        self.folder.cleanup()


@functools.cache
def plain_latents():
    """The latents of an undisturbed fit."""
    return isthmus.Autoencoder(latent_dim=2, **FEW).fit(rows()).transform(rows()).tobytes()


TestFitting = Fitting.TestCase
