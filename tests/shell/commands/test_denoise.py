"""``isthmus denoise``, and what the other verbs make of a model that restores."""

from __future__ import annotations

import json

import numpy as np
import pytest

import isthmus
from isthmus.corruptions import GaussianNoise
from isthmus.data.png import png_bytes

NAMES = ["untouched", "median", "total variation", "non-local means", "this model"]


def waves(shape, n=20):
    """Smooth pictures of bytes."""
    phase = np.random.default_rng(0).uniform(0, 6, (n, 1, 1))
    return (127 + 100 * np.sin(phase + sum(np.ogrid[: shape[0], : shape[1]]) / 4)).astype(np.uint8)


def saved(folder, pictures, names=None):
    """Pictures as PNG files of a new folder."""
    folder.mkdir(exist_ok=True)
    for name, picture in zip(names or [f"p{i:02d}" for i in range(len(pictures))], pictures, strict=True):
        (folder / f"{name}.png").write_bytes(png_bytes(picture))
    return folder


@pytest.fixture(scope="module")
def waved(tmp_path_factory):
    """A folder of 20 pictures, 16 high and 18 wide."""
    return saved(tmp_path_factory.mktemp("waves") / "clean", waves((16, 18)))


@pytest.fixture(scope="module")
def unet(waved, tmp_path_factory):
    """A network without a latent that takes off noise."""
    path = tmp_path_factory.mktemp("model") / "unet.safetensors"
    model = isthmus.DenoisingAutoencoder(GaussianNoise(0.2), hidden_dims=(8, 8), max_epochs=1, random_state=0)
    model.fit(str(waved)).save(path)
    return path


@pytest.fixture(scope="module")
def swapped(table, tmp_path_factory):
    """A model of a table that undoes swapped cells."""
    path = tmp_path_factory.mktemp("model") / "swap.safetensors"
    isthmus.DenoisingAutoencoder("auto", latent_dim=2, max_epochs=1, random_state=0).fit(str(table)).save(path)
    return path


@pytest.fixture
def mixed(tmp_path):
    """A folder of four pictures of two sizes."""
    folder = saved(tmp_path / "mixed", waves((16, 18), 2), ["a", "c"])
    return saved(folder, waves((20, 24), 2), ["b", "d"])


def test_pictures_are_what_the_model_makes_of_them(run, unet, waved, tmp_path):
    """Pictures of the size of fit and of another come out as `DenoisingAutoencoder.denoise` has them."""
    model = isthmus.load(unet)
    for X in (waves((16, 18)), waves((30, 21), 3)):
        np.save(tmp_path / "x.npy", X)
        assert run("denoise", unet, tmp_path / "x.npy", "-o", tmp_path / "r.npy").code == 0
        assert np.array_equal(np.load(tmp_path / "r.npy"), model.denoise(X))


def test_a_folder_of_one_size(run, unet, waved, tmp_path):
    """The restored files have the names of the originals."""
    result = run("denoise", unet, waved, "-o", f"{tmp_path}/out/")
    assert "20 pictures, one file each" in result.out
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == sorted(f.name for f in waved.iterdir())


def test_a_folder_of_mixed_sizes(run, unet, mixed, tmp_path):
    """Each picture keeps its name and its size."""
    result = run("denoise", unet, mixed, "-o", f"{tmp_path}/out/")
    assert "4 pictures, one file each, in 2 sizes" in result.out
    found = {name: np.asarray(isthmus.read(tmp_path / "out" / f"{name}.png"))[0] for name in "abcd"}
    assert [found[name].shape for name in "abcd"] == [(16, 18), (20, 24), (16, 18), (20, 24)]
    assert np.array_equal(found["b"], isthmus.load(unet).denoise(waves((20, 24), 2))[0])


def test_mixed_sizes_need_a_folder(run, unet, mixed, tmp_path):
    """A sheet or an array cannot hold them, which is said before the work."""
    error = run("denoise", unet, mixed, "-o", tmp_path / "r.npy").error
    assert "2 sizes, which only a folder can hold" in error
    assert not (tmp_path / "r.npy").exists()


def test_spoiled_first(run, unet, waved, tmp_path):
    """``--spoil`` shows the filters beside the model, and the three forms of each picture on one sheet."""
    result = run("denoise", unet, waved, "--spoil", "-o", tmp_path / "r.png")
    assert result.code == 0
    assert all(f"\n  {name} " in result.out for name in NAMES)
    assert "dB" in result.out
    assert "clean, spoiled and restored side by side" in result.out


def test_spoiling_is_seeded(run, unet, mixed, tmp_path):
    """Two runs give the same pictures and figures."""
    first, second = (
        run("denoise", unet, mixed, "--spoil", "--json", "-o", f"{tmp_path}/{name}/") for name in ("one", "two")
    )
    assert json.loads(first.out)["compared"] == json.loads(second.out)["compared"]
    assert all((tmp_path / "one" / f.name).read_bytes() == f.read_bytes() for f in (tmp_path / "two").iterdir())


def test_json_is_one_object(run, unet, waved, tmp_path):
    """Every way has its figures; the sentences go to standard error."""
    found = json.loads(run("denoise", unet, waved, "--spoil", "--json", "-o", tmp_path / "r.npy").out)
    assert (found["rows"], found["output"]) == (20, str(tmp_path / "r.npy"))
    assert [row["name"] for row in found["compared"]] == NAMES
    assert set(found["compared"][0]) == {"name", "mse", "psnr", "ssim", "pictures", "note"}
    alone = json.loads(run("denoise", unet, waved, "--json", "-o", tmp_path / "r.npy").out)
    assert set(alone) == {"rows", "output"}


def test_clean_pictures_are_found_by_name(run, unet, mixed, tmp_path):
    """Pairs are matched by the names of their files, whatever else lies beside the clean ones."""
    given = saved(saved(tmp_path / "given", waves((16, 18), 2)[1:], ["c"]), waves((20, 24), 2)[:1], ["b"])
    result = run("denoise", unet, given, "--clean", mixed, "--json", "-o", f"{tmp_path}/out/")
    assert json.loads(result.out)["compared"][0]["mse"] == 0
    (mixed / "c.png").unlink()
    assert "no picture for 'c'" in run("denoise", unet, given, "--clean", mixed, "-o", f"{tmp_path}/x/").error
    saved(mixed, waves((20, 24), 1), ["c"])
    assert (
        "no picture of its size for 'c'" in run("denoise", unet, given, "--clean", mixed, "-o", f"{tmp_path}/x/").error
    )


def test_clean_arrays_are_matched_by_order(run, unet, tmp_path):
    """Arrays are pairs in their order, and must have one shape."""
    for name, count in (("x", 5), ("y", 5), ("z", 4)):
        np.save(tmp_path / f"{name}.npy", waves((16, 18), count))
    words = ["denoise", unet, tmp_path / "x.npy", "-o", tmp_path / "r.npy", "--clean"]
    assert "this model" in run(*words, tmp_path / "y.npy").out
    assert "5 x 16 x 18 values" in run(*words, tmp_path / "z.npy").error


def test_rows(run, swapped, table, tmp_path):
    """Rows of a table come out filled, and ``--spoil`` measures what came of their spoiled form."""
    result = run("denoise", swapped, table, "-o", tmp_path / "r.csv", "--json")
    assert json.loads(result.out) == {"rows": 60, "output": str(tmp_path / "r.csv")}
    assert not np.isnan(isthmus.read(tmp_path / "r.csv").numbers("height")).any()
    found = json.loads(run("denoise", swapped, table, "--spoil", "-o", tmp_path / "s.csv", "--json").out)
    assert found["error"] == pytest.approx(isthmus.load(swapped).compare(str(table))["error"])
    assert (tmp_path / "s.csv").read_bytes() != (tmp_path / "r.csv").read_bytes()


def test_rows_with_their_clean_form(run, swapped, table, tmp_path):
    """``--clean`` measures rows as `DenoisingAutoencoder.compare` does; rows that are no pairs are refused."""
    words = ["denoise", swapped, table, "-o", tmp_path / "r.csv", "--clean"]
    assert "error of PCA" in run(*words, table).out
    short = tmp_path / "short.csv"
    short.write_text("\n".join(table.read_text().splitlines()[:20]) + "\n")
    assert "holds 60 x 5 values" in run(*words, short).error


def test_other_models_are_sent_to_reconstruct(run, model, table, tmp_path):
    """A model that was not fitted to restore is refused, with the verb that does what it can."""
    assert "isthmus reconstruct" in run("denoise", model, table, "-o", tmp_path / "r.csv").error


def test_a_model_of_pairs_cannot_spoil(run, waved, tmp_path):
    """There is nothing to spoil with; clean rows must be given."""
    path = tmp_path / "pairs.safetensors"
    isthmus.DenoisingAutoencoder(latent_dim=1, max_epochs=0).fit(waves((16, 18)), waves((16, 18))).save(path)
    assert "fitted to pairs" in run("denoise", path, waved, "--spoil", "-o", tmp_path / "r.npy").error
    result = run("score", path, waved)
    assert result.code == 0
    assert "taken as they are" in result.err


def test_spoil_and_clean_do_not_go_together(run, unet, waved, tmp_path):
    """One of the two says what is clean."""
    assert (
        "leave out --clean" in run("denoise", unet, waved, "--spoil", "--clean", waved, "-o", tmp_path / "r.npy").error
    )


@pytest.mark.parametrize("verb", ["encode", "decode", "map", "similar", "probe"])
def test_verbs_that_need_a_latent_say_so(run, unet, waved, tmp_path, verb):
    """A network without a latent is refused in one line."""
    np.save(tmp_path / "labels.npy", np.arange(20) % 2)
    words = {"similar": ["--row", "1"], "probe": ["--labels", tmp_path / "labels.npy"]}
    out = {"encode": "x.csv", "decode": "x.npy", "map": "x.png"}
    more = words[verb] if verb in words else ["-o", tmp_path / out[verb]]
    assert "no latent" in run(verb, unet, waved, *more).error


def test_score_measures_restoration(run, unet, waved):
    """Rows are spoiled as in training; the figures are those of `compare`."""
    found = json.loads(run("score", unet, waved, "--json").out)
    truth = isthmus.load(unet).compare(str(waved))
    assert {name: found[name] for name in truth} == pytest.approx(truth)
    assert "spoiled as in training" in run("score", unet, waved).out


def test_inspect_says_what_it_restores(run, unet, swapped):
    """The corruption stands as it can be typed; a network without a latent says so."""
    out = run("inspect", unet).out
    assert "no latent" in out
    line = next(line for line in out.splitlines() if line.startswith("  restores"))
    assert isthmus.corruptions.from_text(line.split("restores")[1].strip()) == GaussianNoise(0.2)
    assert "2 numbers" in run("inspect", swapped).out
    assert json.loads(run("inspect", unet, "--json").out)["corruption"][0]["name"] == "GaussianNoise"


def test_a_report(run, unet, waved, tmp_path):
    """The page of a model that restores can be written, also for pairs."""
    page = tmp_path / "r.html"
    assert run("report", unet, waved, "-o", page).code == 0
    assert 'id="restoration"' in page.read_text(encoding="utf-8")
    assert run("report", unet, waved, "--clean", waved, "-o", page).code == 0
