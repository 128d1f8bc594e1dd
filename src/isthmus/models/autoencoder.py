"""The autoencoder for data as they are: tables, arrays and pictures."""

from __future__ import annotations

from isthmus.models.base import BaseAutoencoder
from isthmus.parameters import AutoencoderParameters


class Autoencoder(AutoencoderParameters, BaseAutoencoder):
    """Compress rows to a latent vector and reconstruct them, starting from PCA and improving on it.

    The network has a linear path set to PCA and a non-linear path beside it whose last layers start at zero: with
    ``max_epochs=0`` it is PCA, and training keeps PCA's weights where it finds nothing surely better.

    Parameters
    ----------
    latent_dim : int or "auto", default "auto"
        Size of the latent vector, at least 1. "auto": twice the square root of the encoded columns, at most half of
        them, a quarter of the rows and 128.
    hidden_dims : sequence of int or "auto", default "auto"
        Hidden layer sizes of the encoder; the decoder mirrors them.
    network : "auto", "dense", "conv", "conv1d", a dict of layers, a pair (encoder, decoder) of nn.Module, or callable
        The kind of network. "conv" is for pictures, "conv1d" for rows of ordered samples, such as signals. A dict lists layers
        as text (see `isthmus.nets.layers`), such as
        ``{"encoder": ["flatten", "dense 32 relu"], "decoder": ["dense 784 sigmoid"], "initializer": "glorot-uniform"}``; it is
        kept in the model file. A pair of modules is copied at fit; a callable(input_shape, latent_dim) gives such a pair.
    activation : "gelu", "silu", "relu", "elu", "tanh" or "sigmoid", default "gelu"
        Between layers.
    output : "auto", "linear" or "sigmoid", default "auto"
        Linear outputs are clamped to the range seen in training; a sigmoid gives up the start at PCA.
    scaling : "auto", "common", "column", "range" or "none", default "auto"
        Frames and arrays of different units: one factor a column; pictures and arrays of one unit: one factor. "range": 0 to 1
        between the lowest and the highest value of all. "none": values as they are. With these two errors are squares in
        that unit, so `score` is no share.
    kinds : dict or None, default None
        Column kinds (number, category, flag, date) to use in place of those found out.
    channels : "auto", "first" or "last", default "auto"
        Axis of the channels in a 4-D array of pictures.
    loss : "auto", "mse", "mae", "huber" or "bce", default "auto" (squared error)
        What training minimises for numbers and pixels; categories and flags always use cross-entropy.
    optimizer : "adamw", "adam", "rmsprop", "rmsprop-tf", "adadelta" or "sgd", default "adamw"
        "rmsprop-tf" is that of TensorFlow 1, see `isthmus.train.rmsprop_tf`.
    optimizer_options : dict or None, default None
        More settings of the optimizer, by torch's names: alpha, betas, dampening, eps, momentum, nesterov, rho, start.
    learning_rate : float > 0 or "auto", default "auto"
        Highest rate of the schedule.
    schedule : "anneal" or "constant", default "anneal"
        Anneal: a linear rise over the first tenth of the steps, then a linear fall to zero.
    batch_size : int or "auto", default "auto"
        Rows in a step.
    max_epochs : int >= 0 or "auto", default "auto"
        Passes over the training rows; 0 is PCA.
    patience : int, None or "auto", default "auto"
        Epochs without a better validation error before training stops; None never stops early.
    validation_fraction : float in [0, 1), default 0.1
        Share of the rows (at most 4,096) held out to choose the best weights.
    keep : "best" or "last", default "best"
        Weights that the fit ends with: those of the epoch with the least validation error, or the last; "last" never stops early.
    members : int from 1 to 256, default 1
        Networks of one shape, each from first weights of its own, that are trained and run as one. A row's reconstruction is the
        mean of theirs and its latents are those of all side by side, so ``latent_dim_`` is ``members`` times ``latent_dim``.
        ``history_`` has the mean of the members' own errors; the error of their mean is at most that. Modules of your own
        have one member.
    trim : float in [0, 0.5], default 0.0
        Share of the rows of each step, those restored worst, that do not count in it: robust against anomalies among the rows.
    precision : "auto", "float32" or "bfloat16", default "auto"
        Number format of training; everything after it runs in float32.
    device : "auto", "cpu", "cuda" or "mps", default "auto"
    random_state : int, RandomState or None, default None
        Seed; the same seed gives the same bytes. None draws one, kept as ``seed_``.
    warm_start : bool, default False
        Start from the weights of the last fit.
    progress : bool or "auto", default "auto"
        A bar on standard error; "auto": on a terminal, for fits over two seconds.
    callbacks : sequence of `isthmus.train.callbacks.Callback`, default ()
    run_dir : path or None, default None
        Folder that the state of the fit is written to now and then. The same fit again goes on from there and ends with the
        same bytes as one that was not stopped; other data or settings are refused. Kept after the fit: a finished one is
        not repeated. SIGINT and SIGTERM save the state first.
    checkpoint_seconds : float >= 0, default 30
        Time from one state to the next, at least; and at least so long that writing takes no more than 3 % of the time. 0:
        after every step.
    fresh : bool, default False
        Forget what ``run_dir`` holds.
    resume_from : path or None, default None
        The state to go on from, a folder such as ``RUN_DIR/ckpt/000001234``, even with other data or settings.

    Attributes
    ----------
    network_ : nn.Module with ``encode``, ``decode`` and ``forward``.
    baseline_ : PCA at the same latent size (of one member), as a network; None where it would be larger than the network.
    encoder_ : the preparation, raw units to network units and back.
    plan_ : what every "auto" became.
    history_ : list of dict, one per epoch from 0 (of `partial_fit`, one per pass from 1): training_loss,
        validation_loss (NaN in between where ``keep="last"`` and no rows are held out), learning_rate, kept.
    latent_dim_ : int
    seed_ : int
    resumed_from_step_ : int
        The step that the last fit went on from; 0 where it began.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, (n_features_in_,); only where the data had names.

    References
    ----------
    Baldi, Hornik 1989, "Neural networks and principal component analysis": the optimum of a linear autoencoder is PCA.

    Examples
    --------
    >>> import numpy as np, isthmus
    >>> t = np.random.default_rng(0).uniform(0, 6, 500)
    >>> X = np.stack([np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t)], axis=1)
    >>> model = isthmus.Autoencoder(latent_dim=2, random_state=0).fit(X)
    >>> model.transform(X).shape, model.reconstruct(X).shape
    ((500, 2), (500, 4))
    >>> model.compare(X)["ratio"] < 0.5
    True
    """

    @property
    def _parameters(self) -> AutoencoderParameters:
        return self
