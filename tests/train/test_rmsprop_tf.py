"""Tests of `isthmus.train.rmsprop_tf`: RMSprop with epsilon inside the root."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from isthmus.train.rmsprop_tf import RMSpropTF

# A weight that starts at 1, after each step of tf.compat.v1.train.RMSPropOptimizer(0.1) in TensorFlow 2.21.
GRADIENTS = (0.5, -0.25, 0.0, 1e-3)
TENSORFLOW_1 = (0.948012471, 0.975310028, 0.975310028, 0.975188732)
# The same of keras.optimizers.RMSprop(0.1, rho=0.9, epsilon=1e-7) in Keras 3.15, whose average starts at zero.
KERAS_3 = (0.683772862, 0.831214547, 0.831214547, 0.830559254)


def weight_after(optimizer_of, gradients):
    """Values of a weight that starts at 1, after each gradient."""
    weight = nn.Parameter(torch.ones(1))
    optimizer = optimizer_of([weight])
    values = []
    for gradient in gradients:
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        values.append(weight.item())
    return values


def by_hand(gradients, lr, alpha, eps, start):
    """The same from the formula, number by number."""
    weight, mean, values = 1.0, start, []
    for gradient in gradients:
        mean = alpha * mean + (1 - alpha) * gradient**2
        weight -= lr * gradient / math.sqrt(mean + eps)
        values.append(weight)
    return values


def test_the_defaults_are_those_of_tensorflow_1():
    """Steps are those that TensorFlow 1's optimizer takes."""
    assert weight_after(lambda w: RMSpropTF(w, 0.1), GRADIENTS) == pytest.approx(TENSORFLOW_1, abs=2e-7)


def test_keras_3_is_another_epsilon_and_start():
    """With epsilon 1e-7 and a start at zero, steps are those that Keras 3 takes."""
    values = weight_after(lambda w: RMSpropTF(w, 0.1, eps=1e-7, start=0.0), GRADIENTS)
    assert values == pytest.approx(KERAS_3, abs=2e-7)


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-5])
@pytest.mark.parametrize(("alpha", "eps", "start"), [(0.9, 1e-10, 1.0), (0.9, 1e-7, 0.0), (0.5, 1e-4, 0.3)])
def test_a_sequence_by_hand(size, alpha, eps, start):
    """Gradients of any size give the values that the formula gives."""
    gradients = [size * math.sin(3 * n + 1) for n in range(25)]
    values = weight_after(lambda w: RMSpropTF(w, 0.02, alpha, eps, start), gradients)
    assert values == pytest.approx(by_hand(gradients, 0.02, alpha, eps, start), rel=1e-5)


def test_epsilon_stands_inside_the_root():
    """A gradient far below the root of epsilon moves a weight by lr g / sqrt(eps), not by lr times a root of (1 - alpha)."""
    (inside,) = weight_after(lambda w: RMSpropTF(w, 1.0, eps=1e-4, start=0.0), [1e-5])
    (outside,) = weight_after(lambda w: torch.optim.RMSprop(w, 1.0, alpha=0.9, eps=1e-4), [1e-5])
    assert 1 - inside == pytest.approx(1e-5 / 1e-2, rel=1e-2)
    assert 1 - outside == pytest.approx(1e-5 / (1e-4 + 0.1**0.5 * 1e-5), rel=1e-2)


def test_without_epsilon_it_is_torchs():
    """Where epsilon plays no part and the average starts at zero, it is `torch.optim.RMSprop`, weight decay and all."""
    gradients = [0.3, -0.7, 0.2]
    ours = weight_after(lambda w: RMSpropTF(w, 0.01, eps=0.0, start=0.0, weight_decay=0.1), gradients)
    theirs = weight_after(lambda w: torch.optim.RMSprop(w, 0.01, alpha=0.9, eps=0.0, weight_decay=0.1), gradients)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_weights_without_gradient_stay():
    """What has no gradient neither moves nor gets an average."""
    moved, still = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer = RMSpropTF([moved, still], 0.1)
    optimizer.step()
    moved.grad = torch.ones(3)
    optimizer.step()
    assert torch.equal(still, torch.ones(3))
    assert not torch.equal(moved, torch.ones(3))
    assert set(optimizer.state) == {moved}


def test_groups_have_their_own_rates():
    """A group's learning rate is its own, and what else stands in a group is left alone."""
    slow, fast = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = RMSpropTF([{"params": [slow], "share": 0.5, "lr": 0.1}, {"params": [fast]}], lr=0.3)
    slow.grad, fast.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert fast.item() == pytest.approx(3 * slow.item())
    assert optimizer.param_groups[0]["share"] == 0.5


def test_its_state_goes_on_where_it_stopped():
    """Steps after a stop are those of a run that did not stop."""
    weight = nn.Parameter(torch.ones(2, 3))
    optimizer = RMSpropTF([weight], 0.1)
    weight.grad = torch.full((2, 3), 0.2)
    optimizer.step()
    other = nn.Parameter(weight.detach().clone())
    resumed = RMSpropTF([other], 0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    other.grad = weight.grad.clone()
    optimizer.step()
    resumed.step()
    assert torch.equal(weight, other)


def test_a_copy_goes_on_alike():
    """A deep copy of weights and optimizer takes the same steps."""
    weight = nn.Parameter(torch.ones(4))
    optimizer = RMSpropTF([weight], 0.1)
    weight.grad = torch.arange(4.0)
    optimizer.step()
    other, copied = copy.deepcopy((weight, optimizer))
    for one, stepper in ((weight, optimizer), (other, copied)):
        one.grad = torch.ones(4)
        stepper.step()
    assert torch.equal(weight, other)


def test_a_closure_is_called_with_gradients_on():
    """The loss that a closure gives comes back, and its gradients are used."""
    weight = nn.Parameter(torch.ones(1))

    def closure():
        loss = (weight**2).sum()
        loss.backward()
        return loss.item()

    assert RMSpropTF([weight], 0.1).step(closure) == 1.0
    assert weight.item() < 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("lr", -1.0), ("alpha", -0.1), ("alpha", 1.1), ("eps", -1e-9), ("start", -1.0), ("weight_decay", math.nan)],
)
def test_settings_out_of_range(name, value):
    """A setting that is out of range is named, in torch's own words."""
    with pytest.raises(ValueError, match=f"Invalid {name} value"):
        RMSpropTF([nn.Parameter(torch.ones(1))], **{"lr": 0.1, name: value})
