"""Tests of `members=`: several networks of an estimator do all that one of them does."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import isthmus
from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise, Holes, Swap
from isthmus.errors import DataError, ModelFileError, ParameterError
from isthmus.files import container

LAYERS = {"encoder": ["flatten", "dense 6 relu", "dense 2"], "decoder": ["dense 42 tanh", "reshape 1 7 6"]}
SETTINGS = {"members": 3, "max_epochs": 2, "batch_size": 32, "random_state": 0}


FORMS = {
    "curve": (Autoencoder, "curve", {"latent_dim": 2}),
    "table": (Autoencoder, "mixed", {"latent_dim": 2}),
    "conv": (Autoencoder, "pictures", {"latent_dim": 2, "network": "conv"}),
    "conv1d": (Autoencoder, "curve", {"latent_dim": 2, "network": "conv1d"}),
    "layers": (Autoencoder, "pictures", {"network": LAYERS}),
    "sigmoid": (Autoencoder, "pictures", {"latent_dim": 2, "output": "sigmoid", "loss": "bce"}),
    "bfloat16": (Autoencoder, "curve", {"latent_dim": 2, "precision": "bfloat16"}),
    "noisy": (DenoisingAutoencoder, "curve", {"corruption": GaussianNoise((0.05, 1.0)), "latent_dim": 2}),
    "swapped": (DenoisingAutoencoder, "mixed", {"corruption": Swap(0.3), "latent_dim": 2}),
    "unet": (DenoisingAutoencoder, "pictures", {"corruption": Holes(), "network": "unet", "hidden_dims": (4, 6)}),
}
FITTED: dict = {}


@pytest.fixture(params=FORMS)
def pair(request, data):
    """A fitted model of three members, of every form, and its data; a test may change them."""
    if request.param not in FITTED:
        kind, rows, changes = FORMS[request.param]
        X = getattr(data, rows)()
        FITTED[request.param] = kind(**SETTINGS, **changes).fit(X), X
    return copy.deepcopy(FITTED[request.param])


@pytest.fixture
def fit(data):
    """A function that fits members to rows along a curve; parameters may change it."""
    return lambda latent_dim=2, **changes: Autoencoder(latent_dim, **{**SETTINGS, **changes}).fit(data.curve())


def same_rows(a, b):
    """Whether two results hold the same, bytes for numbers."""
    if hasattr(a, "equals"):
        return a.reset_index(drop=True).equals(b.reset_index(drop=True))
    return np.array_equal(a, b, equal_nan=True)


def test_latents_are_those_of_all(pair):
    """The latent is as large as all members' latents, and each feature has a name."""
    model, X = pair
    one = model.plan_.latent_dim
    assert model.latent_dim_ == 3 * one
    if one:
        assert model.transform(X).shape == (len(X), 3 * one)
        assert len(model.get_feature_names_out()) == 3 * one
        assert same_rows(model.inverse_transform(model.transform(X)), model.reconstruct(X))


def test_one_seed_makes_one_file_that_comes_back(pair, tmp_path):
    """The same seed gives the same bytes, and the loaded model gives the same results."""
    model, X = pair
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    model.save(files[0])
    copy.copy(model).set_params(random_state=0).fit(X).save(files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
    loaded = isthmus.load(files[0])
    assert loaded.plan_ == dataclasses.replace(model.plan_, device="cpu")
    assert loaded.latent_dim_ == model.latent_dim_
    assert np.array_equal(loaded.errors(X), model.errors(X), equal_nan=True)
    assert same_rows(loaded.reconstruct(X), model.reconstruct(X))
    assert loaded.compare(X) == model.compare(X)


def test_a_row_gets_the_same_bytes_in_any_company(pair, data):
    """Alone and in the batch, a row's errors are the same to the last bit."""
    model, X = pair
    whole = model.errors(X)
    for i in (0, 31, len(X) - 1):
        assert np.array_equal(model.errors(data.take(X, [i])), whole[[i]], equal_nan=True)


def test_everything_that_is_said_of_a_model(pair, tmp_path):
    """The summary names the members, the notes say how latents stand, and a report is written."""
    model, X = pair
    text, one = model.summary(), model.plan_.latent_dim
    assert "members            3" in text
    said = f"latents of 3 members stand side by side: {3 * one} numbers; PCA beside them has {one}."
    assert (said in model.notes_) == (one > 0)
    isthmus.report(model, X, tmp_path / "report.html")
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("the latent size of one member" in report) == (model.baseline_ is not None)
    assert "same latent size" not in report


def test_it_goes_on(pair):
    """One more pass, and a fit that starts from the weights of the last, work and give finite errors."""
    model, X = pair
    model.partial_fit(X)
    model.set_params(warm_start=True).fit(X)
    assert np.isfinite(model.compare(X)["error"])


def test_latents_serve_as_ever(data):
    """Probes, neighbours, walks and relevance take the latents of all members."""
    X, labels = data.curve(), np.arange(90) % 2
    model = Autoencoder(2, **SETTINGS).fit(X)
    assert isthmus.probe(model, X, labels).features[0].size == 6
    assert len(isthmus.relevance(model, X)) == 6
    assert isthmus.nearest(model, X, X[:2]).indices.shape == (2, 5)
    assert isthmus.traverse(model, X, 5) is not None


def test_one_member_is_no_members(data):
    """members=1 gives the weights, and the results, of a model that does not mention them."""
    one, plain = (
        Autoencoder(2, max_epochs=2, random_state=0, **extra).fit(data.curve()) for extra in ({"members": 1}, {})
    )
    assert one.plan_ == plain.plan_
    first, second = one.network_.state_dict(), plain.network_.state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("changes", [{}, {"scaling": "column"}, {"latent_dim": 1}])
def test_no_epochs_are_pca(fit, data, changes):
    """Without training all members are PCA, so their mean is, and so is each one's latent."""
    model, X = fit(**{**changes, "max_epochs": 0}), data.curve()
    assert model.compare(X)["ratio"] == pytest.approx(1, abs=1e-4)
    latents = model.transform(X).reshape(len(X), 3, -1)
    assert np.allclose(latents, latents[:, :1], atol=1e-4)


def test_members_start_differently(fit):
    """Each member has first weights of its own; the first has those of a model without others."""
    weight = "encoder.1.weight"
    stacked = dict(fit(max_epochs=0).network_.stacked.named_parameters())[weight]
    alone = dict(fit(max_epochs=0, members=1).network_.named_parameters())[weight]
    assert torch.equal(stacked[0], alone)
    assert not torch.equal(stacked[0], stacked[1])
    assert not torch.equal(stacked[1], stacked[2])


def test_the_mean_of_members_is_better_than_each(data):
    """Where errors are squares, the mean of all members has less of it than they have on average."""
    X, new = data.curve(400), torch.from_numpy(np.asarray(data.curve(300, seed=5)))
    model = Autoencoder(2, **{**SETTINGS, "max_epochs": 20, "scaling": "column"}).fit(X)
    x = model._rows(new.numpy()).slice(0, len(new))
    with torch.no_grad():
        output = model.network_(x)
    members = (output.stats["members"] - x[:, None]).square().mean(dim=(0, 2))
    assert float((output.reconstruction - x).square().mean()) < float(members.mean())


def test_work_grows_with_members(fit):
    """Three members do three times the multiply-adds of one, and have three times its weights."""
    counts = [(model._work, sum(p.numel() for p in model.network_.parameters())) for model in (fit(), fit(members=1))]
    assert counts[0] == (3 * counts[1][0], 3 * counts[1][1])


@pytest.mark.parametrize("members", [0, 257, 2.0, True, None])
def test_numbers_that_are_none(fit, members):
    """A number of members is a whole one from 1 to 256."""
    with pytest.raises(ParameterError, match="members of Autoencoder must be an integer >= 1 and <= 256"):
        fit(members=members)


def test_modules_of_ones_own_have_no_members(data):
    """What a user's modules do may not be done for several at once: one clear error, before anything is fitted."""
    own = nn.Sequential(nn.Linear(6, 2)), nn.Sequential(nn.Linear(2, 6))
    model = Autoencoder(2, network=own, members=2)
    for ask in (model.fit, model.plan):
        with pytest.raises(ParameterError, match="members=2 needs a network of isthmus's own or a dict of layers"):
            ask(data.curve())


def test_a_warm_start_needs_as_many_members(fit, data):
    """Weights of three members do not fit two."""
    with pytest.raises(DataError, match="warm_start needs"):
        fit().set_params(warm_start=True, members=2).fit(data.curve())


@pytest.mark.parametrize("members", [0, 2, 257])
def test_a_file_with_another_number(fit, members, tmp_path, monkeypatch):
    """A file whose plan names other members than its weights are of is refused."""
    write = container.write

    def edited(path, spec, tensors):
        spec["plan"]["members"] = members
        write(path, spec, tensors)

    monkeypatch.setattr(container, "write", edited)
    fit().save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"members|network\.stacked"):
        isthmus.load(tmp_path / "m.safetensors")
