"""Tests of `isthmus.plan`: every "auto" is resolved by a pure rule with stated bounds."""

from __future__ import annotations

import dataclasses
import math

import pytest

from isthmus.errors import ParameterError
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.layers import Layers
from isthmus.parameters import AutoencoderParameters, DenoisingParameters
from isthmus.plan import ANCHOR_WEIGHTS, DataShape, Machine, make_plan
from isthmus.prep.ordered import NOTE
from isthmus.sizing import FEWEST_STEPS, MOST_STEPS, MOST_VALIDATION_ROWS

ROWS = (2, 3, 17, 100, 999, 5_000, 60_000, 1_000_000)
COLUMNS = (1, 2, 3, 10, 64, 784, 20_000)


def plan_of(n_rows=1000, layout=20, machine=None, **parameters):
    """The plan for so many rows of a layout, or of so many number columns."""
    layout = ColumnLayout(layout) if isinstance(layout, int) else layout
    shape = DataShape(n_rows, layout, "column")
    return make_plan(shape, AutoencoderParameters(**parameters), machine or Machine())


def steps_of(n_rows):
    """Training steps of a default fit."""
    plan = plan_of(n_rows)
    return math.ceil((n_rows - plan.validation_rows) / plan.batch_size) * plan.max_epochs


def test_the_same_data_have_the_same_plan():
    """A plan is a function of shapes, parameters and machine, and of nothing else."""
    assert plan_of(random_state=1) == plan_of(random_state=2)


def test_nothing_is_left_open():
    """No value of a plan is "auto"."""
    assert "auto" not in dataclasses.astuple(plan_of())


@pytest.mark.parametrize("n_rows", ROWS)
@pytest.mark.parametrize("columns", COLUMNS)
def test_the_hidden_layer_stays_within_its_bounds(n_rows, columns):
    """Hidden layers of one width, a multiple of 32 from 32 to 256."""
    (width,) = set(plan_of(n_rows, columns).hidden_dims)
    assert 32 <= width <= 256
    assert width % 32 == 0


@pytest.mark.parametrize(("latent_dim", "n_rows", "layers"), [(2, 1_000, 2), (8, 1_000, 2), (9, 1_000, 1), (2, 999, 1)])
def test_few_latents_of_many_rows_get_a_second_layer(latent_dim, n_rows, layers):
    """Up to 8 latents, from 1,000 rows on."""
    assert len(plan_of(n_rows, 30, latent_dim=latent_dim).hidden_dims) == layers


def test_the_hidden_layer_grows_with_the_data():
    """More rows or more columns never get a narrower layer."""
    by_rows = [plan_of(n, 20).hidden_dims[0] for n in ROWS]
    by_columns = [plan_of(1000, n).hidden_dims[0] for n in COLUMNS]
    assert by_rows == sorted(by_rows)
    assert by_columns == sorted(by_columns)


@pytest.mark.parametrize("n_rows", ROWS)
def test_the_batch_stays_within_its_bounds(n_rows):
    """A power of two from 16 to 256, or all training rows where there are fewer."""
    plan = plan_of(n_rows)
    training = n_rows - plan.validation_rows
    assert plan.batch_size == training < 16 or plan.batch_size in (16, 32, 64, 128, 256)


def test_batches_and_steps_grow_with_the_rows():
    """More rows never get smaller batches, nor (but for rounding) fewer steps."""
    batches = [plan_of(n).batch_size for n in ROWS]
    assert batches == sorted(batches)
    steps = [steps_of(n) for n in (300, 3_000, 30_000, 300_000)]
    assert steps == sorted(steps)


@pytest.mark.parametrize("n_rows", ROWS)
def test_every_fit_makes_enough_steps(n_rows):
    """At least about the fewest steps, and no more than the most unless one pass is more."""
    plan = plan_of(n_rows)
    per_epoch = steps_of(n_rows) / plan.max_epochs
    assert plan.max_epochs >= 1
    assert steps_of(n_rows) >= FEWEST_STEPS - per_epoch
    assert steps_of(n_rows) <= max(per_epoch, MOST_STEPS + per_epoch)


@pytest.mark.parametrize("n_rows", ROWS)
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.99])
def test_validation_leaves_rows_to_train_on(n_rows, fraction):
    """At most the given share and 4,096 rows are held out, never all, and never none unless that was asked for."""
    held_out = plan_of(n_rows, validation_fraction=fraction).validation_rows
    share = max(1, round(n_rows * fraction)) if fraction else 0
    assert min(1, share) <= held_out <= min(n_rows - 1, MOST_VALIDATION_ROWS, share)


@pytest.mark.parametrize(
    ("shape", "n_rows", "expected"),
    [
        ((1, 16, 16), 1_000, "conv"),
        ((1, 16, 16), 999, "dense"),
        ((1, 15, 40), 1_000, "dense"),
        ((3, 40, 15), 1_000, "dense"),
    ],
)
def test_convolutions_are_for_many_large_pictures(shape, n_rows, expected):
    """Convolutional from 16 x 16 pixels and 1,000 pictures on."""
    assert plan_of(n_rows, PixelLayout(shape)).network == expected


def test_rows_have_no_convolutions():
    """Rows of columns are dense; asking for convolutions is an error that says what they need."""
    assert plan_of(10_000, 784).network == "dense"
    with pytest.raises(ParameterError, match=r"needs pictures, .* got rows of 784 columns"):
        plan_of(10_000, 784, network="conv")


@pytest.mark.parametrize("layout", [ColumnLayout(64), ColumnLayout(64, n_extras=2), ColumnLayout(3)])
def test_rows_of_samples_can_be_convolved(layout):
    """Rows of numbers, gap marks or not, take 1-D convolutions when asked for, beside a linear path."""
    plan = plan_of(1_000, layout, network="conv1d", latent_dim=2)
    assert (plan.network, plan.anchored, plan.notes) == ("conv1d", True, ())
    assert plan.hidden_dims == plan_of(1_000, layout, network="dense", latent_dim=2).hidden_dims


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (PixelLayout((1, 28, 28)), 'got pictures: say network="conv"'),
        (ColumnLayout(40, n_flags=1, entropies=(0.5,)), 'got columns that are no numbers: say network="dense"'),
        (ColumnLayout(40, levels=(3,), entropies=(0.5,)), 'got columns that are no numbers: say network="dense"'),
    ],
)
def test_what_is_no_row_of_samples(layout, words):
    """Pictures, flags and categories have no 1-D convolutions; the error says what has."""
    with pytest.raises(ParameterError, match=f'network="conv1d" needs rows of ordered samples, .*{words}'):
        plan_of(1_000, layout, network="conv1d")


def test_ordered_samples_are_noted():
    """That the columns are in order is said with the measures, and changes nothing else."""
    shape = DataShape(1_000, ColumnLayout(64), "common")
    plain, ordered = (
        make_plan(dataclasses.replace(shape, ordered=fact), AutoencoderParameters(), Machine())
        for fact in (False, True)
    )
    assert ordered.notes == (NOTE, *plain.notes)
    assert "85% of the columns are most like one at most 2 away" in NOTE
    assert dataclasses.replace(ordered, notes=()) == dataclasses.replace(plain, notes=())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"output": "sigmoid"}, False),
        ({"network": ("encoder", "decoder")}, False),
        ({"layout": 1024, "latent_dim": ANCHOR_WEIGHTS // 1024}, True),
        ({"layout": 1024, "latent_dim": ANCHOR_WEIGHTS // 1024 + 1}, False),
    ],
)
def test_what_is_anchored(changes, expected):
    """Our own networks with a linear output are, up to columns times latent size of 2 ** 24."""
    plan = plan_of(**changes)
    assert plan.anchored is expected
    assert any("PCA" in note for note in plan.notes) is not expected


def test_cross_entropy_needs_a_sigmoid():
    """The error says which other parameter to set."""
    with pytest.raises(ParameterError, match='loss="bce" needs output="sigmoid"'):
        plan_of(loss="bce")
    assert plan_of(loss="bce", output="sigmoid").loss == "bce"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", 7),
        ("hidden_dims", (5, 3)),
        ("activation", "tanh"),
        ("loss", "huber"),
        ("optimizer", "sgd"),
        ("learning_rate", 0.5),
        ("batch_size", 3),
        ("max_epochs", 0),
        ("patience", 4),
        ("patience", None),
        ("precision", "bfloat16"),
    ],
)
def test_what_is_asked_for_is_taken(name, value):
    """A parameter that is not "auto" goes into the plan as it is."""
    assert getattr(plan_of(**{name: value}), name) == value


def test_a_batch_is_never_larger_than_the_rows():
    """A batch size above the training rows becomes all of them."""
    assert plan_of(10, batch_size=500).batch_size == 9


@pytest.mark.parametrize("hidden", [(128,), (255,), (256,), (32, 384)])
def test_bfloat16_is_for_wide_layers_on_fast_machines(hidden):
    """Only with a layer of 256 units or more, and only where the machine multiplies it fast."""
    fast = plan_of(hidden_dims=hidden, machine=Machine(fast_bfloat16=True)).precision
    assert fast == ("bfloat16" if max(hidden) >= 256 else "float32")
    assert plan_of(hidden_dims=hidden, machine=Machine(fast_bfloat16=False)).precision == "float32"


@pytest.mark.parametrize(
    ("line", "precision"),
    [("dense 255 relu", "float32"), ("dense 256 relu", "bfloat16"), ("conv 4 3 relu", "bfloat16")],
)
def test_bfloat16_looks_at_listed_layers(line, precision):
    """At hidden layers and convolutions; the last layer, as wide as the data, does not count."""
    first = [line] if line.startswith("conv") else ["flatten", line]
    layers = {"encoder": [*first, "flatten", "dense 9"], "decoder": ["dense 784", "reshape 1 28 28"]}
    plan = plan_of(layout=PICTURE, network=layers, machine=Machine(fast_bfloat16=True))
    assert plan.precision == precision


@pytest.mark.parametrize("latent_dim", [20, 21, 50])
def test_no_compression_is_noted(latent_dim):
    """A latent as large as the columns works, and a note says that nothing is compressed."""
    assert any("nothing is compressed" in note for note in plan_of(layout=20, latent_dim=latent_dim).notes)
    assert plan_of(layout=20, latent_dim=19).notes == ()


def test_the_device_is_the_machines():
    """A plan names the device that the machine offers."""
    assert plan_of(machine=Machine("cuda")).device == "cuda"


LAYERS = {"encoder": ["dense 9 relu", "dense 4"], "decoder": ["dense 20 sigmoid"]}
PICTURE = PixelLayout((1, 28, 28))


def restoring(n_rows=1000, layout=PICTURE, **parameters):
    """The plan of a denoising autoencoder."""
    return make_plan(DataShape(n_rows, layout, "common"), DenoisingParameters(**parameters), Machine())


def test_listed_layers_bring_their_latent():
    """Layers that a user listed decide about the latent, have no hidden layers besides, and do not start at PCA."""
    plan = plan_of(network=LAYERS)
    assert (plan.network, plan.latent_dim, plan.hidden_dims, plan.anchored) == ("layers", 4, (), False)
    assert plan.layers == Layers(("dense 9 relu", "dense 4"), ("dense 20 sigmoid",))
    assert plan_of(network=plan.layers) == plan_of(network=LAYERS, latent_dim=4) == plan
    assert any("does not start at PCA" in note for note in plan.notes)


def test_another_latent_than_the_layers():
    """A latent size beside the layers must be theirs."""
    with pytest.raises(
        ParameterError, match="latent_dim=5, but the encoder's layers end in 4 values; leave latent_dim"
    ):
        plan_of(network=LAYERS, latent_dim=5)


@pytest.mark.parametrize(
    ("network", "layout", "words"),
    [
        ({"encoder": ["dense 3"]}, 20, "the decoder of network must be a list of layers"),
        ({**LAYERS, "encoder": ["dense 3 reLU"]}, 20, "unknown word 'reLU'; did you mean 'relu'"),
        ({**LAYERS, "encoder": ["conv 4 3"]}, 20, r"layer 1 of the encoder, 'conv 4 3': shape \(20,\) arrives there"),
        ({**LAYERS, "middle": []}, 20, "no key 'middle'"),
        (LAYERS, PICTURE, "put 'flatten' before it"),
    ],
)
def test_layers_that_cannot_be(network, layout, words):
    """Layers that are misspelt or do not fit the data are an error of the plan, before any work."""
    with pytest.raises(ParameterError, match=words):
        plan_of(layout=layout, network=network)


def test_cross_entropy_of_layers():
    """Layers that end in a sigmoid take cross-entropy, others do not."""
    assert plan_of(network=LAYERS, loss="bce").loss == "bce"
    with pytest.raises(ParameterError, match='loss="bce" needs output="sigmoid"'):
        plan_of(network={**LAYERS, "decoder": ["dense 20"]}, loss="bce")


@pytest.mark.parametrize(
    ("shape", "parameters", "expected"),
    [
        ((1, 16, 16), {}, "unet"),
        ((3, 40, 16), {}, "unet"),
        ((1, 15, 40), {}, "dense"),
        ((1, 16, 16), {"latent_dim": 8}, "conv"),
        ((1, 16, 16), {"network": "dense"}, "dense"),
        ((1, 5, 5), {"network": "unet"}, "unet"),
    ],
)
def test_restoring_pictures(shape, parameters, expected):
    """To restore large pictures: the U-shaped network, unless a latent or another network is asked for."""
    assert restoring(layout=PixelLayout(shape), **parameters).network == expected
    assert plan_of(1000, PixelLayout(shape)).network != "unet"


def test_restoring_rows():
    """Rows of columns are restored by a dense network; the U-shaped one needs pictures."""
    assert restoring(layout=ColumnLayout(784)).network == "dense"
    with pytest.raises(ParameterError, match='network="unet" needs pictures'):
        restoring(layout=ColumnLayout(784), network="unet")


def test_a_restorer_has_no_latent():
    """Its latent size is 0, it is no PCA, a note says so, and a latent size beside it is an error."""
    plan = restoring()
    assert (plan.latent_dim, plan.anchored) == (0, False)
    assert plan.notes == ("the network restores pictures and has no latent: nothing is compressed.",)
    with pytest.raises(ParameterError, match='network="unet" has no latent; leave latent_dim=5 out'):
        restoring(network="unet", latent_dim=5)


@pytest.mark.parametrize("side", [16, 20, 28, 64, 500])
def test_levels_of_a_restorer(side):
    """From 2 levels on, as many as pictures of that size can be halved; what was asked for is taken."""
    widths = restoring(layout=PixelLayout((1, side, side))).hidden_dims
    assert 2 <= len(widths) <= 4
    assert len(widths) == 2 or side >> len(widths) >= 3
    assert restoring(layout=PixelLayout((1, side, side)), hidden_dims=(5, 7)).hidden_dims == (5, 7)


def test_many_pictures_get_a_narrower_restorer():
    """Levels grow with the size of the pictures, widths fall with their number."""
    levels = [len(restoring(layout=PixelLayout((1, n, n))).hidden_dims) for n in (16, 24, 28, 48, 95)]
    widths = [restoring(n).hidden_dims[0] for n in (100, 10_000, 20_000, 100_000)]
    assert levels == sorted(levels)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("name", "values"), [("schedule", ("anneal", "constant")), ("keep", ("best", "last"))]
)  # fmt: skip
def test_ways_of_training(name, values):
    """The first is the default, each is taken, another name is not."""
    assert getattr(plan_of(), name) == values[0]
    assert [getattr(plan_of(**{name: value}), name) for value in values] == list(values)


def test_optimizer_options_are_copied():
    """The plan has the settings as they were given; changing them afterwards changes nothing."""
    options = {"betas": (0.9, 0.999), "eps": 1e-7}
    plan = plan_of(optimizer="adam", optimizer_options=options)
    options["eps"] = 1.0
    assert plan.optimizer_options == {"betas": (0.9, 0.999), "eps": 1e-7}
    assert plan_of().optimizer_options == {}


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("adadelta", 1.0), ("sgd", 1e-2), ("rmsprop", 1e-3), ("rmsprop-tf", 1e-3)]
)
def test_usual_rates(optimizer, rate):
    """Other optimizers than Adam start at their usual rates, whatever the network; Adam on listed layers at 1e-3."""
    assert {plan_of(optimizer=optimizer, network=n).learning_rate for n in ("auto", LAYERS)} == {rate}
    assert plan_of(network=LAYERS).learning_rate == 1e-3


def test_the_size_of_many_latents_is_noted():
    """Members' latents add up, which a note says; one member needs none, nor do networks without a latent."""
    words = "latents of 3 members stand side by side: 24 numbers; PCA beside them has 8."
    assert plan_of(latent_dim=8, members=3).notes == (words,)
    assert plan_of(latent_dim=8).notes == ()
    unet = make_plan(DataShape(50, PixelLayout((1, 16, 16)), "common"), DenoisingParameters(members=3), Machine())
    assert not any("side by side" in note for note in unet.notes)
