"""Tests of `isthmus.train.loop`: the same bytes for a seed, the best weights, and what goes wrong."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from isthmus.errors import IsthmusWarning
from isthmus.nets.members import Members
from isthmus.train.callbacks import Callback
from isthmus.train.job import generator_for
from isthmus.train.loop import MOST_ROLLBACKS, split_rows, train


def weights_of(job):
    """A copy of the weights in a job's network."""
    return {name: value.clone() for name, value in job.network.state_dict().items()}


def same(first, second):
    """Whether two sets of weights have the same bytes."""
    return all(torch.equal(first[name], second[name]) for name in first)


def numbers(history):
    """A history without NaN, to compare."""
    return [[-1.0 if math.isnan(v) else v for v in entry.values()] for entry in history]


class Act(Callback):
    """Does something at one step of the fit."""

    def __init__(self, action, steps):
        self.action, self.steps = action, steps

    def on_step_end(self, state):
        if state.step in self.steps:
            self.action(state)


def spoil(state):
    """Put NaN into a weight."""
    with torch.no_grad():
        state.network.decoder[0].weight[0, 0] = torch.nan


def spoil_gently(state):
    """Make the network worse, but finite."""
    with torch.no_grad():
        state.network.decoder[0].weight.add_(0.1)


def interrupt(state):
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def stop(state):
    """Ask for the end of the fit."""
    state.stop = True


class Held:
    """Rows in memory."""

    def __init__(self, x):
        self.take = x.__getitem__


def test_the_same_seed_gives_the_same_bytes(job_of, curve):
    """Weights and history are a function of rows, plan and seed."""
    first, second = job_of(curve, seed=5), job_of(curve, seed=5)
    assert numbers(train(first)) == numbers(train(second))
    assert same(weights_of(first), weights_of(second))


def test_another_seed_gives_other_bytes(job_of, curve):
    """Another seed draws other weights, rows and orders."""
    first, second = job_of(curve, seed=5), job_of(curve, seed=6)
    assert numbers(train(first)) != numbers(train(second))
    assert not same(weights_of(first), weights_of(second))


def test_structure_is_learnt(job_of, curve):
    """On rows along a curve the loss falls far below that of PCA, and the weights move."""
    job = job_of(curve, max_epochs=40)
    before = weights_of(job)
    history = train(job)
    kept = next(entry for entry in history if entry["kept"])
    assert kept["validation_loss"] < 0.7 * history[0]["validation_loss"]
    assert history[-1]["training_loss"] < history[1]["training_loss"]
    assert not same(before, weights_of(job))


def test_epoch_0_is_kept_where_nothing_is_better(job_of, noise):
    """On rows of pure chance the fit ends with the weights that it started with."""
    job = job_of(noise)
    before = weights_of(job)
    history = train(job)
    assert [entry["kept"] for entry in history] == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert same(before, weights_of(job))


def test_the_best_weights_are_restored(job_of, curve):
    """After the fit the network has the validation error of the epoch that was kept, not of the last."""
    job = job_of(curve, max_epochs=30, callbacks=(Act(spoil_gently, range(200, 999)),))
    history = train(job)
    kept = next(entry for entry in history if entry["kept"])
    validation = curve[split_rows(len(curve), job.plan.validation_rows, 0)[1]]
    with torch.no_grad():
        error = float((job.network(validation).reconstruction - validation).square().mean())
    assert 0 < kept["epoch"] < history[-1]["epoch"]
    assert error == pytest.approx(kept["validation_loss"], rel=1e-4)
    assert history[-1]["validation_loss"] > 1.1 * error


def test_no_epochs_leave_the_network_as_it_is(job_of, curve):
    """With max_epochs=0 there is one entry of history and no step."""
    job = job_of(curve, max_epochs=0)
    before = weights_of(job)
    history = train(job)
    assert [entry["epoch"] for entry in history] == [0]
    assert math.isnan(history[0]["training_loss"])
    assert same(before, weights_of(job))


@pytest.mark.parametrize("steps", [{3}, {20, 21}])
def test_a_loss_that_is_not_finite_once_is_survived(job_of, curve, steps):
    """The fit goes back to the best weights and on, and what it leaves is finite."""
    job = job_of(curve, max_epochs=8, callbacks=(Act(spoil, steps),))
    history = train(job)
    assert all(value.isfinite().all() for value in job.network.state_dict().values())
    assert all(math.isfinite(entry["validation_loss"]) for entry in history)
    assert len(history) < 9


def test_a_loss_that_stays_infinite_ends_the_fit(job_of, curve):
    """After a few attempts the fit ends with the weights of epoch 0, and a warning says so."""
    job = job_of(curve, max_epochs=20, corrupt=lambda x, generator: x + torch.inf)
    before = weights_of(job)
    with pytest.warns(
        IsthmusWarning, match=rf"stopped being finite {MOST_ROLLBACKS + 1} times .* smaller learning_rate"
    ):
        history = train(job)
    assert len(history) == 1
    assert same(before, weights_of(job))


@pytest.mark.filterwarnings("ignore:the loss stopped being finite")
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_an_absurd_learning_rate_leaves_finite_weights(job_of, curve, rate):
    """However wild the steps, the fit ends with finite weights and no more error than it began with."""
    job = job_of(curve, max_epochs=5, learning_rate=rate)
    history = train(job)
    kept = next(entry for entry in history if entry["kept"])
    assert all(value.isfinite().all() for value in job.network.state_dict().values())
    assert kept["validation_loss"] <= history[0]["validation_loss"]


def test_an_interrupted_fit_keeps_the_best(job_of, curve):
    """Ctrl-C ends the fit with a warning and the best weights of the epochs that were done."""
    full, cut = job_of(curve, max_epochs=30), job_of(curve, max_epochs=30, callbacks=(Act(interrupt, {200}),))
    whole = train(full)
    with pytest.warns(IsthmusWarning, match="interrupted; the best weights so far are kept"):
        history = train(cut)
    assert numbers([{**e, "kept": 0} for e in history]) == numbers([{**e, "kept": 0} for e in whole[: len(history)]])
    best = min(history, key=lambda entry: entry["validation_loss"])
    assert best["kept"] == 1.0
    assert not cut.network.training


def test_hooks_are_called_in_order(job_of, curve, recorder):
    """Start, each step, each epoch after its steps, end; every step and epoch once."""
    job = job_of(curve, max_epochs=3, callbacks=(recorder,))
    train(job)
    per_epoch = math.ceil((len(curve) - job.plan.validation_rows) / job.plan.batch_size)
    expected = [("start", 0, 0)]
    for epoch in (1, 2, 3):
        expected += [("step", epoch, (epoch - 1) * per_epoch + i) for i in range(1, per_epoch + 1)]
        expected += [("epoch", epoch, epoch * per_epoch)]
    assert recorder.calls == [*expected, ("end", 3, 3 * per_epoch)]


def test_a_callback_sees_the_history_grow(job_of, curve):
    """At each epoch's end the history has that epoch; the loss is that of the last step."""
    seen = []

    class Look(Callback):
        def on_epoch_end(self, state):
            seen.append((state.history[-1]["epoch"], math.isfinite(state.loss), state.total_epochs))

    train(job_of(curve, max_epochs=2, callbacks=(Look(),)))
    assert seen == [(1, True, 2), (2, True, 2)]


def test_the_stop_flag_ends_the_fit(job_of, curve, recorder):
    """After the step that sets it there are no more, but the epoch is validated and the fit ended."""
    train(job_of(curve, callbacks=(Act(stop, {5}), recorder)))
    assert [call for call in recorder.calls if call[0] != "step"] == [("start", 0, 0), ("epoch", 1, 5), ("end", 1, 5)]


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_stops_early(job_of, noise, patience):
    """Where no epoch is better, the fit ends after as many as its patience."""
    assert len(train(job_of(noise, max_epochs=30, patience=patience))) == patience + 1


def test_without_patience_every_epoch_is_made(job_of, noise):
    """With patience None nothing ends the fit early."""
    assert len(train(job_of(noise, max_epochs=12, patience=None))) == 13


def test_corruption_is_drawn_anew_in_training_and_once_in_validation(job_of, curve):
    """Each step has a generator of its own; every validation has the same, so that epochs can be compared."""
    steps, validations = [], []

    def corrupt(x, generator):
        (steps if torch.is_grad_enabled() else validations).append(generator.initial_seed())
        return torch.zeros_like(x)

    train(job_of(curve, max_epochs=2, corrupt=corrupt))
    assert len(set(steps)) == len(steps) > 0
    assert len(validations) == 3 * len(set(validations))


def test_given_inputs_are_seen_in_place_of_the_rows(job_of, curve):
    """Pairs: noisy rows go in, the loss is against the clean ones; from zeros nothing but a constant can be learnt."""
    noisy, blank = train(job_of(curve, inputs=Held(curve + 0.1))), train(job_of(curve, inputs=Held(0 * curve)))
    assert noisy[-1]["validation_loss"] < 0.8 * blank[-1]["validation_loss"]


def test_the_last_weights_may_be_kept(job_of, curve):
    """With keep="last" the last epoch is kept, however bad, and nothing stops early."""
    history = train(job_of(curve, keep="last", learning_rate=3.0, patience=1, max_epochs=4))
    assert [entry["kept"] for entry in history] == [0, 0, 0, 0, 1]


def test_a_penalty_is_part_of_the_loss(job_of, curve):
    """A constant penalty is added to the training loss and changes no weight."""
    plain, fined = (
        job_of(curve, max_epochs=1),
        job_of(curve, max_epochs=1, penalty=lambda o: torch.full((len(o.latent),), 7.0)),
    )
    first, second = train(plain), train(fined)
    assert second[1]["training_loss"] == pytest.approx(first[1]["training_loss"] + 7, abs=1e-4)
    assert same(weights_of(plain), weights_of(fined))


def test_missing_cells_do_not_spoil_the_fit(job_of, curve):
    """With gaps the loss is that of the observed cells, and the weights stay finite."""
    holed = curve.clone()
    holed[::3, 1] = torch.nan
    holed[::5] = torch.nan
    job = job_of(holed)
    history = train(job)
    assert all(math.isfinite(entry["validation_loss"]) for entry in history)
    assert all(value.isfinite().all() for value in job.network.state_dict().values())


def test_nothing_global_is_touched(job_of, curve):
    """Training neither uses nor moves torch's random state, threads, precision or determinism."""

    def state():
        return (
            torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(),
        )  # fmt: skip

    before = state()
    train(job_of(curve))
    assert state() == before


@pytest.mark.parametrize(("n", "held_out"), [(10, 0), (10, 1), (50, 20), (2, 1)])
def test_rows_are_split_once(n, held_out):
    """Every row is either for training or for validation; both are in order."""
    training, validation = split_rows(n, held_out, seed=1)
    assert len(training) == n - held_out
    if held_out:
        assert sorted([*training.tolist(), *validation.tolist()]) == list(range(n))
    else:
        assert torch.equal(training, validation)
    assert training.tolist() == sorted(training.tolist())


def test_generators_are_functions_of_their_place():
    """The same seed and place give the same numbers; neighbours give others, also for large seeds."""
    places = [(0,), (1,), (0, 0), (0, 1), (1, 0), (2, 3)]
    drawn = {p: generator_for(7, *p).initial_seed() for p in places}
    assert len(set(drawn.values())) == len(places)
    assert generator_for(7, 2, 3).initial_seed() == drawn[2, 3]
    assert generator_for(2**63, 5).initial_seed() != generator_for(2**63 - 1, 5).initial_seed()


@pytest.mark.parametrize("gaps", [True, False])
def test_a_network_that_breaks_in_the_last_step_is_not_kept(job_of, curve, gaps):
    """Where validation gives NaN after a finite loss, the weights of epoch 0 come back."""
    job = dataclasses.replace(job_of(curve, max_epochs=1, batch_size=200, callbacks=[Act(spoil, [1])]), gaps=gaps)
    history = train(job)
    assert [entry["kept"] for entry in history] == [1.0]
    assert all(value.isfinite().all() for value in job.network.state_dict().values())


def test_a_batch_of_gaps_is_no_failure(job_of, curve):
    """Rows without any observed cell add nothing to the loss."""
    curve[::2] = torch.nan
    assert len(train(job_of(curve, max_epochs=2, batch_size=1))) == 3


def test_the_loss_of_a_stopped_epoch_is_the_mean_of_its_steps(job_of, curve):
    """Stopping early does not divide by the steps that were not made."""
    whole = train(job_of(curve, max_epochs=1, learning_rate=1e-9))
    part = train(job_of(curve, max_epochs=1, learning_rate=1e-9, callbacks=[Act(stop, [2])]))
    assert part[1]["training_loss"] == pytest.approx(whole[1]["training_loss"], rel=0.5)


def test_a_last_row_alone_joins_its_neighbours(job_of, curve, recorder):
    """No step is made on a single row unless batches of one were asked for."""
    job = job_of(curve[:41], max_epochs=1, batch_size=10, validation_rows=0, callbacks=[recorder])
    train(job)
    assert [call[0] for call in recorder.calls].count("step") == 4


def test_gradients_may_be_off(job_of, curve):
    """A program that turned gradients off can fit."""
    with torch.no_grad():
        history = train(job_of(curve, max_epochs=1))
    assert len(history) == 2


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_members_learn_as_they_would_alone(job_of, curve, optimizer):
    """Trained as one, each member takes the steps that its network takes alone, on the same rows."""
    changes = {"keep": "last", "max_epochs": 2, "optimizer": optimizer}
    alone = [job_of(curve, **changes) for _ in range(3)]
    for seed, job in enumerate(alone):
        with torch.no_grad():
            for weight in job.network.encoder.parameters():
                weight.normal_(0, 0.3, generator=generator_for(seed))
    plan = dataclasses.replace(alone[0].plan, members=3)
    together = dataclasses.replace(alone[0], network=Members([job.network for job in alone]), plan=plan)
    losses = [train(job)[-1]["validation_loss"] for job in alone]
    assert train(together)[-1]["validation_loss"] == pytest.approx(sum(losses) / 3, rel=1e-3)
    members = dict(together.network.stacked.named_parameters())
    for m, job in enumerate(alone):
        for name, weight in job.network.named_parameters():
            assert torch.allclose(members[name][m], weight, rtol=1e-2, atol=1e-3), name


def test_nothing_is_measured_that_nothing_depends_on(job_of, curve):
    """With the last weights wanted and no rows held out, only the first and the last epoch are measured."""
    history = train(job_of(curve, keep="last", validation_rows=0))
    known = [entry["epoch"] for entry in history if not math.isnan(entry["validation_loss"])]
    assert known == [0, len(history) - 1]
    assert [entry["epoch"] for entry in history if entry["kept"]] == [len(history) - 1]
    for changes in ({"keep": "best", "validation_rows": 0}, {"keep": "last", "validation_rows": 20}):
        assert all(math.isfinite(entry["validation_loss"]) for entry in train(job_of(curve, **changes)))


def test_a_fit_that_ends_early_measures_what_it_keeps(job_of, curve):
    """The kept entry has a validation loss, though none was asked for in between."""

    class Stop(Callback):
        def on_epoch_end(self, state):
            state.stop = state.epoch == 2

    history = train(job_of(curve, keep="last", validation_rows=0, callbacks=(Stop(),)))
    (kept,) = (entry for entry in history if entry["kept"])
    assert kept["epoch"] == 2
    assert math.isfinite(kept["validation_loss"])
