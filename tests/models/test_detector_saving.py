"""Tests of saving and loading detectors: one file holds the model, the scorer, the scores and the threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import isthmus
from isthmus.errors import ModelFileError, OutputError, ParameterError
from isthmus.files import container
from isthmus.models import detecting, detector_state
from isthmus.models.thresholding import Rule

LABELS = (np.arange(90) % 10 == 0).astype(int)


def network(shape, latent_dim):
    """A small network of the user's own."""
    return nn.Linear(shape[0], latent_dim), nn.Linear(latent_dim, shape[0])


def inside(**changes):
    """An unfitted model that is trained at once."""
    return isthmus.Autoencoder(2, **{"max_epochs": 2, "batch_size": 32, **changes})


def detector(X, model=None, **changes):
    """A detector fitted to ``X``."""
    model = inside() if model is None else model
    return isthmus.AnomalyDetector(model, **{"random_state": 0, **changes}).fit(X)


def default(X):
    """A detector around the default model, of one epoch."""
    model_of = detecting.default_model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detecting, "default_model", lambda *a, **k: model_of(*a, **k).set_params(max_epochs=1))
        return isthmus.AnomalyDetector(random_state=0).fit(X)


def equal(first, second):
    """Whether two results are of one type and have the same cells."""
    if isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, second)
        return True
    return type(first) is type(second) and np.array_equal(first, second)


@pytest.fixture(scope="module")
def made(data):
    """Fitted detectors of every form and their data, each fitted once."""
    curve, mixed, pictures = data.curve, data.mixed, data.pictures
    return {
        "arrays": (detector(curve()), curve()),
        "frames": (detector(mixed()), mixed()),
        "pictures": (detector(pictures()), pictures()),
        "a share": (detector(curve(), contamination=0.1), curve()),
        "some": (detector(curve(), contamination="auto", threshold="median", deviations=2), curve()),
        "no rows kept": (detector(curve(), reference_rows=0), curve()),
        "some rows kept": (detector(curve(), reference_rows=30, false_alarm_rate=0.1, threshold="peaks"), curve()),
        "few rows": (detector(curve(12)), curve(12)),
        "members": (detector(curve(), inside(members=2, random_state=5)), curve()),
        "default": (default(curve(24)), curve(24)),
        "labelled": (detector(curve()).set_threshold("recall", curve(), LABELS, recall=0.5), curve()),
        "a number": (detector(curve()).set_threshold(3), curve()),
    }


@pytest.fixture(scope="module")
def pairs(made, tmp_path_factory):
    """Each detector, its data, its file, and what was loaded from it."""
    folder, found = tmp_path_factory.mktemp("detectors"), {}
    for place, (name, (fitted, X)) in enumerate(made.items()):
        path = folder / f"{place}.safetensors"
        fitted.save(path)
        found[name] = fitted, X, path, isthmus.load(path)
    return found


FORMS = (
    "arrays", "frames", "pictures", "a share", "some", "no rows kept", "some rows kept", "few rows", "members", "default",
    "labelled", "a number",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["predict", "anomaly_scores", "p_values", "decision_function"])
def test_the_same_bytes(pairs, form, method):
    """Every method of a loaded detector gives what the one that was saved gives."""
    fitted, X, _, loaded = pairs[form]
    assert equal(getattr(loaded, method)(X), getattr(fitted, method)(X))


@pytest.mark.parametrize("form", FORMS)
def test_it_is_fitted(pairs, form):
    """Parameters, threshold, rule, scores, notes and text are what they were."""
    fitted, X, _, loaded = pairs[form]
    for name in ("threshold_", "offset_", "rule_", "notes_", "seed_", "n_rows_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(fitted, name)
    assert loaded.scorer_.shape == fitted.scorer_.shape
    assert loaded.summary() == fitted.summary()
    assert loaded.thresholds() == fitted.thresholds()
    assert len(X) < 20 or loaded.check_drift(X) == fitted.check_drift(X)
    assert repr(loaded) == repr(fitted)
    assert list(getattr(loaded, "feature_names_in_", [])) == list(getattr(fitted, "feature_names_in_", []))


@pytest.mark.parametrize("form", FORMS)
def test_the_same_file(pairs, form, tmp_path):
    """The save of a loaded detector is the file it came from."""
    _, _, path, loaded = pairs[form]
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", ["arrays", "frames", "pictures", "no rows kept"])
def test_the_same_reasons(pairs, form):
    """Columns and heat maps of a loaded detector are those of the one that was saved."""
    fitted, X, _, loaded = pairs[form]
    assert equal(loaded.explain(X[:20]), fitted.explain(X[:20]))


@pytest.mark.parametrize("form", ["frames", "pictures", "members"])
def test_it_can_be_fitted_again(pairs, form):
    """A fit of a loaded detector gives the bytes of the first fit."""
    fitted, X, path, _ = pairs[form]
    assert equal(isthmus.load(path).fit(X).anomaly_scores(X), fitted.anomaly_scores(X))


@pytest.mark.parametrize("seed", [None, 5])
def test_the_seed_of_the_given_model(seed, data, tmp_path):
    """A model that was given without a seed has none after loading, though it was trained with that of the detector."""
    detector(data.curve(30), inside(random_state=seed)).save(tmp_path / "d.safetensors")
    loaded = isthmus.load(tmp_path / "d.safetensors")
    assert loaded.model.random_state == seed
    assert loaded.model_.random_state == (0 if seed is None else seed)


def test_no_model_was_given(pairs):
    """The default model inside does not become a parameter."""
    assert pairs["default"][3].model is None


def test_thresholds_can_be_set_anew(pairs, tmp_path):
    """A loaded detector takes other rules and other calibration rows, and is saved with them."""
    fitted, X, path, _ = pairs["labelled"]
    loaded = isthmus.load(path)
    assert loaded.rule_ == Rule("recall", {"recall": 0.5})
    with pytest.raises(ParameterError, match="needs rows and their labels"):
        loaded.recalibrate(X)
    loaded = isthmus.load(path).set_threshold("quantile", false_alarm_rate=0.2).recalibrate(X)
    loaded.save(tmp_path / "again.safetensors")
    again = isthmus.load(tmp_path / "again.safetensors")
    assert again.threshold_ == loaded.threshold_ != fitted.threshold_
    assert len(again.calibration_scores_) == len(X)


def test_a_network_of_the_users_own(data, tmp_path):
    """It is handed over again, becomes the parameter's, and its weights are those of the file."""
    path, X = tmp_path / "d.safetensors", data.curve(40)
    fitted = detector(X, inside(network=network))
    fitted.save(path)
    with pytest.raises(ModelFileError, match=r"load it with isthmus\.load\(path, network=\.\.\.\)"):
        isthmus.load(path)
    loaded = isthmus.load(path, network=network)
    assert equal(loaded.anomaly_scores(X), fitted.anomaly_scores(X))
    assert loaded.model.network is network


def test_ours_needs_none(pairs):
    """A detector around a network of isthmus's own refuses another."""
    with pytest.raises(ModelFileError, match="load it without network="):
        isthmus.load(pairs["arrays"][2], network=network)


@pytest.mark.parametrize("threshold", [float("inf"), float("nan")])
def test_thresholds_that_no_file_can_hold(made, tmp_path, threshold):
    """A threshold that is not finite is refused before anything is written."""
    fitted, _ = made["no rows kept"]
    odd = isthmus.AnomalyDetector()
    odd.__dict__.update(vars(fitted))
    odd.threshold_ = threshold
    with pytest.raises(ParameterError, match="set a finite one with set_threshold"):
        odd.save(tmp_path / "d.safetensors")
    assert not (tmp_path / "d.safetensors").exists()


def test_a_folder_that_does_not_exist(made, tmp_path):
    """Nothing is left behind where a file cannot be written."""
    with pytest.raises(OutputError, match="no_such_folder"):
        made["arrays"][0].save(tmp_path / "no_such_folder" / "d.safetensors")


def test_the_rows_that_are_held_are_counted(pairs):
    """The file says how many training rows it holds, and holds as many."""
    for form, n in (("no rows kept", 0), ("some rows kept", 30), ("arrays", 90)):
        header = container.read_header(pairs[form][2])
        shapes = {info.name: info.shape for info in header.tensors}
        assert header.spec["scorer"]["n_reference"] == n == len(isthmus.load(pairs[form][2]).scorer_.local.reference)
        assert shapes["scorer.neighbours.reference"][0] == shapes["scorer.local.reference"][0] == n


class TestHostile:
    """Files whose bytes are in order and whose words are not: never anything but a `ModelFileError` that names the file."""

    @pytest.fixture
    def edited(self, pairs, tmp_path):
        """A function that loads a detector's file with an edit in it, under a right checksum."""

        def load(edit, form="arrays"):
            header = container.read_header(pairs[form][2])
            every = {info.name: ({"F64": "f8", "F32": "f4"}[info.dtype], info.shape) for info in header.tensors}
            spec, tensors = container.read(pairs[form][2], lambda _: every)
            edit(spec, tensors)
            container.write(tmp_path / "edited.safetensors", spec, tensors)
            with pytest.raises(ModelFileError, match=r"^Cannot load .*edited\.safetensors.*[^.]\.$") as caught:
                isthmus.load(tmp_path / "edited.safetensors")
            return str(caught.value)

        return load

    @pytest.mark.parametrize(
        ("keys", "value", "words"),
        [
            (("estimator",), "Autoencoder", "unknown key"), (("estimator",), "os.system", "spec.estimator must be"),
            (("threshold",), None, "spec.threshold must be"), (("threshold",), "1", "spec.threshold must be"),
            (("given",), {}, "random_state"), (("given",), {"random_state": -1}, "null|random_state"),
            (("given",), {"random_state": 0, "network": "dense"}, "unknown key"), (("more",), 1, "unknown key 'more'"),
            (("parameters", "model"), None, "unknown key 'model'"), (("parameters", "threshold"), "maen", "threshold"),
            (("parameters", "reference_rows"), -1, "reference_rows"), (("parameters", "contamination"), 0.9, "contamination"),
            (("model", "estimator"), "AnomalyDetector", r"spec.model.estimator must be"),
            (("model", "more"), 1, r"spec.model has an unknown key"), (("model", "plan", "network"), "unet", "does not agree"),
            (("model", "n_rows"), 91, "rows do not agree"), (("model", "n_features"), 7, "columns do not agree"),
            (("scorer", "members"), 2, "members do not agree"), (("scorer", "members"), 0, "spec.scorer.members"),
            (("scorer", "n_reference"), 91, "neighbours do not agree"), (("scorer", "n_reference"), 89, "its spec asks for"),
            (("scorer", "n_reference"), 2**24, "neighbours do not agree"), (("scorer", "n_reference"), 0, "weights do not"),
            (("scorer", "count"), 21, "neighbours do not agree"), (("scorer", "count"), 0, "spec.scorer.count"),
            (("scorer", "weights"), [1.0, 1.0], "must have from 3"), (("scorer", "weights"), [0.0] * 3, "weights do not agree"),
            (("scorer", "weights"), [1.0, -1.0, 1.0], "spec.scorer.weights"), (("scorer", "mixed"), 1, "true or false"),
            (("n_calibration",), 17, "its spec asks for"), (("n_calibration",), 0, "spec.n_calibration"),
            (("n_calibration",), 2**53, "its spec asks for"), (("n_rows",), 10, "do not agree"),
            (("rule", "name"), "conformist", "spec.rule.name"), (("rule", "options"), {"recall": 0.5}, "no option 'recall'"),
            (("rule", "options"), {"false_alarm_rate": 1.5}, "no option 'false_alarm_rate' of 1.5"),
            (("rule",), {"name": "value", "options": {"value": 1e9}}, "not that of its rule"),
            (("rule",), {"name": "value", "options": {}}, "not that of its rule"),
        ],
        ids=lambda value: str(value)[:40],
    )  # fmt: skip
    def test_words(self, edited, keys, value, words):
        """Words, counts and rules that a detector cannot have are refused, whatever they ask for in memory."""

        def edit(spec, _):
            place = spec
            for key in keys[:-1]:
                place = place[key]
            place[keys[-1]] = value

        message = edited(edit)
        assert any(word in message for word in words.split("|"))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("scorer.residuals.sigma", 0.0), ("scorer.residuals.unit", -1.0), ("scorer.local.spacing", 0.0),
            ("scorer.view.soft", -1.0), ("scorer.farthest", -1.0), ("scorer.tails.1.fall", 0.0),
        ],
    )  # fmt: skip
    def test_units(self, edited, name, value):
        """Units are positive."""
        assert f"its scorer's {name.removeprefix('scorer.')!r}" in edited(lambda _, tensors: tensors[name].fill(value))

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("scorer.tails.0.knots", "its scorer's 'tails.0.knots'"), ("scorer.tails.2.heights", "its scorer's 'tails.2.heights'"),
            ("calibration", "its calibration scores do not ascend"),
        ],
    )  # fmt: skip
    def test_what_ascends(self, edited, name, words):
        """Knots, heights and calibration scores ascend."""
        assert words in edited(lambda _, tensors: tensors.update({name: tensors[name][::-1].copy()}))

    @pytest.mark.parametrize("name", ["scorer.neighbours.reference", "calibration", "model.network.latent_scale"])
    def test_arrays_that_are_missing_or_of_another_form(self, edited, name):
        """Every array is there, in its type and shape, and no other."""
        assert "lacks the array" in edited(lambda _, tensors: tensors.pop(name))
        assert "nothing asks for" in edited(lambda _, tensors: tensors.update({f"{name}.more": tensors[name]}))
        assert "its spec asks for" in edited(lambda _, tensors: tensors.update({name: tensors[name][None]}))
        other = np.float32 if name == "calibration" else np.float64
        assert "its spec asks for" in edited(lambda _, tensors: tensors.update({name: tensors[name].astype(other)}))


def test_outlines_take_no_memory(made):
    """A spec that asks for terabytes is outlined at once; that the file does not hold them is then noticed."""
    fitted, _ = made["arrays"]
    spec, _ = detector_state.to_state(fitted)
    spec["scorer"]["n_reference"], spec["n_rows"] = 2**24, 2**24
    layout = fitted.encoder_.layout
    scorer = detector_state.outline(spec, fitted.model_.plan_, layout)
    assert all(value.device == torch.device("meta") for value in scorer.state_dict().values())
    assert detector_state.shapes(spec, scorer)["scorer.local.reference"] == ("float32", (2**24, layout.n_targets))


def test_a_detector_of_signals_scores_the_same_from_its_file(tmp_path):
    """What follows from the length of a signal is in no file, and is there all the same."""
    rows = np.cumsum(np.random.default_rng(0).normal(size=(120, 40)), axis=1)
    detector = isthmus.AnomalyDetector(isthmus.Autoencoder(2, network="dense", max_epochs=1), random_state=0).fit(rows)
    assert detector.scorer_.slopes is not None
    detector.save(tmp_path / "signals.safetensors")
    loaded = isthmus.load(tmp_path / "signals.safetensors")
    assert np.array_equal(loaded.anomaly_scores(rows), detector.anomaly_scores(rows))


@pytest.mark.parametrize("kind", ["mixed bag", "pictures with gaps"])
def test_every_part_of_a_score_is_in_the_file(tmp_path, kind):
    """Whitening and the peaks of pictures come back to the last bit."""
    draw = np.random.default_rng(0)
    pictures = draw.random((60, 8, 8))
    pictures[draw.random(pictures.shape) < 0.02] = np.nan
    rows = pictures if kind == "pictures with gaps" else draw.normal(size=(80, 5))
    model = isthmus.Autoencoder(2, network="dense", max_epochs=1)
    contamination = "auto" if kind == "mixed bag" else None
    detector = isthmus.AnomalyDetector(model, contamination=contamination, random_state=0).fit(rows)
    assert (detector.scorer_.whitening is None) == (kind != "mixed bag")
    detector.save(tmp_path / "a.safetensors")
    assert np.array_equal(isthmus.load(tmp_path / "a.safetensors").anomaly_scores(rows), detector.anomaly_scores(rows))
