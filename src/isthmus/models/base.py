"""What every autoencoder does: the estimator's public methods, written once.

A variant changes hooks: `_corruption` (what the network sees in training) and `_penalty` (what is added to the loss). The
estimator has a network; it is not one.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from isthmus import parameters as params
from isthmus.losses import error_map, per_row
from isthmus.models import fitting, saving, summary
from isthmus.models.inputs import Data, as_latents, notes_on, read_input, warn_of
from isthmus.models.running import Run, run_of
from isthmus.nets.inference import run_in_blocks
from isthmus.nets.network import Network
from isthmus.nets.seeding import draw_seed
from isthmus.parameters import AutoencoderParameters
from isthmus.plan import Plan
from isthmus.prep.rows import EncodedRows
from isthmus.train.job import Corrupt, Job
from isthmus.train.loop import train
from isthmus.train.machine import threads_for
from isthmus.train.placing import placed


class BaseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Abstract: an estimator around an encoder, a decoder and the preparation of the data.

    Final classes add a parameter dataclass from `isthmus.parameters`.
    """

    encoder_: fitting.Encoder
    plan_: Plan
    network_: Network
    baseline_: Network | None
    history_: list[dict[str, float]]
    latent_dim_: int
    seed_: int
    resumed_from_step_: int
    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit preparation, PCA and network to the rows of ``X``.

        Parameters
        ----------
        X : array (n_samples, n_features), array of pictures (n, h, w) or (n, h, w, c), frame, or path to files.
        y : ignored, for scikit-learn's pipelines.

        Returns
        -------
        self

        Raises
        ------
        ParameterError : a parameter has a value that is not allowed.
        DataError, DataTypeError : rows that cannot be used.
        """
        return self._fit(X)

    def _fit(self, X: Any, seen: Any = None) -> Self:
        """Fit to the rows of ``X``; the network sees ``seen`` in their place where that is given."""
        params.check(self)
        before = self.network_.state_dict() if self._parameters.warm_start and hasattr(self, "network_") else None
        data = read_input(self, X, kinds=self._parameters.kinds, reset=True)
        with run_of(self._parameters) as run:
            return self._fit_data(data, seen, before, run)

    def _fit_data(self, data: Data, seen: Any, before: dict[str, Any] | None, run: Run | None) -> Self:
        self.seed_ = draw_seed(self._parameters.random_state) if run is None else run.seed()
        fitted, rows = fitting.fit_all(data, self._parameters, self.seed_)
        if before is not None:
            fitting.take_over(fitted.network, before)
        self._keep(fitted)
        self.n_rows_ = len(data)
        self.notes_ = (*notes_on(data), *fitted.plan.notes)
        inputs = None if seen is None else self._rows(seen, keep=True)
        self.history_ = self._train(rows, fitted.plan, inputs=inputs, run=run)
        if self.history_[0]["kept"] and fitted.linear is not None and before is None:
            fitting.set_anchor(self.network_, fitted.linear)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Make one pass over the rows of ``X`` at a constant learning rate; undone where it makes their error larger.

        The first call fixes preparation, PCA and plan from its rows; later calls keep them.

        Parameters
        ----------
        X : as in `fit`.
        y : ignored.

        Notes
        -----
        A pass keeps no state: ``run_dir`` is for `fit`.
        """
        params.check(self)
        first = not hasattr(self, "network_")
        data = read_input(self, X, kinds=self._parameters.kinds, reset=first)
        if first:
            self.seed_ = draw_seed(self._parameters.random_state)
            fitted, _ = fitting.fit_all(data, self._parameters, self.seed_)
            self._keep(fitted)
            if fitted.linear is not None:  # no row is held out, so none may be hidden from PCA
                fitting.set_anchor(self.network_, fitted.linear)
            self.n_rows_, self.history_, self.notes_ = 0, [], (*notes_on(data), *fitted.plan.notes)
        data, notes = self.encoder_.adopt(data)
        warn_of(notes)
        self.n_rows_ += len(data)
        one_pass = fitting.one_pass(self.plan_, len(data))
        passes = sum(1 for entry in self.history_ if entry["epoch"] > 0)
        history = self._train(EncodedRows(data, self.encoder_), one_pass, seed=self.seed_ + passes + 1)
        last = history[-1] if len(history) > 1 else {**history[0], "kept": 0.0}  # a pass that failed has no entry
        self.history_ += [{**last, "epoch": passes + 1}]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Latents of the rows of ``X``, (n_samples, latent_dim_).

        Raises
        ------
        DataError : columns or pictures that do not fit those of fit.
        """
        rows = self._rows(X)
        return self._run(self.network_, lambda network, x: network.encode(x), rows)

    def inverse_transform(self, Z: Any) -> Any:
        """Decode latents (n_samples, latent_dim_) to rows of the kind that ``fit`` was given, in original units."""
        check_is_fitted(self)
        latents = as_latents(Z, self.latent_dim_)
        decoded = run_in_blocks(
            self.network_, lambda net, z: net.decode(z), lambda i, j: latents[i:j], len(latents), self.block_rows_
        )
        return self.encoder_.decode(decoded)

    def reconstruct(self, X: Any) -> Any:
        """Encode and decode: the same kind of thing that went in, in original units.

        Frames keep index, column order and types (integers rounded); missing cells come back filled.
        """
        data, rows = self._adopted(X)
        decoded = self._run(self.network_, _reconstruction, rows)
        return self.encoder_.decode(decoded, data)  # type: ignore[arg-type]  # the encoder adopted these data

    def errors(self, X: Any) -> NDArray[np.float32]:
        """Error map: (n_samples, n_columns), or (n_samples, height, width) for pictures.

        1 is the error of the best constant guess on the training rows (variance for numbers, entropy for categories); a
        missing cell is NaN.
        """
        rows = self._rows(X)
        return self._errors(self.network_, rows)

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Minus the mean error of each row over its observed cells, (n_samples,); higher is more normal."""
        rows = self._rows(X)  # first, for it tells whether there was a fit
        return -self._row_errors(self.network_, rows)

    def score(self, X: Any, y: Any = None) -> float:
        """Share explained: 1 minus the mean error of the rows; 1 is perfect, 0 knows nothing."""
        return 1.0 + float(self.score_samples(X).mean())

    def compare(self, X: Any) -> dict[str, float | None]:
        """The mean error of the rows beside that of PCA at the same latent size: ``error``, ``pca_error``, ``ratio``.

        Several members are compared with PCA at the size of one. Both are decoded alike; ``pca_error`` is None where PCA was
        too large to fit beside the network.
        """
        rows = self._rows(X)
        error = float(self._row_errors(self.network_, rows).mean())
        if self.baseline_ is None:
            return {"error": error, "pca_error": None, "ratio": None}
        pca = float(self._row_errors(self.baseline_, rows).mean())
        return {"error": error, "pca_error": pca, "ratio": error / pca if pca > 0 else None}

    def summary(self) -> str:
        """The plan, the layers, the parameters and the memory, as text."""
        check_is_fitted(self)
        return summary.as_text(self)

    def plan(self, X: Any) -> Plan:
        """What ``fit(X)`` would do, without doing it."""
        params.check(self)
        data = read_input(_Scratch(), X, kinds=self._parameters.kinds, reset=True)
        return fitting.plan_for(fitting.fit_encoder(data, self._parameters), data, self._parameters)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one model file (safetensors) that `isthmus.load` reads without running anything in it.

        Raises
        ------
        OutputError : the file cannot be written there; nothing half-written stays.
        """
        check_is_fitted(self)
        saving.save(self, path)

    def _corruption(self) -> Corrupt | None:
        """Hook: a function (x, generator) to what the network sees of ``x`` in training; None for ``x`` itself."""
        return None

    def _penalty(self, output: Any) -> torch.Tensor | None:
        """Hook: one number per row, added to the loss; None for none."""
        return None

    @property
    def _has_penalty(self) -> bool:
        return type(self)._penalty is not BaseAutoencoder._penalty

    @property
    def _parameters(self) -> AutoencoderParameters:
        raise TypeError("BaseAutoencoder is abstract")

    @property
    def _device(self) -> torch.device:
        return next(self.network_.parameters()).device

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    def _keep(self, fitted: fitting.Fitted) -> None:
        self.encoder_, self.plan_, self.network_ = fitted.encoder, fitted.plan, fitted.network
        self.baseline_, self.block_rows_ = fitted.baseline, fitted.block
        self.latent_dim_ = fitted.plan.latent_dim * fitted.plan.members
        self._work = fitted.work

    def _train(
        self,
        rows: EncodedRows,
        plan: Plan,
        seed: int | None = None,
        inputs: EncodedRows | None = None,
        run: Run | None = None,
    ) -> list[dict[str, float]]:
        gaps = rows.has_gaps()
        self.network_.to(plan.device)
        error = fitting.training_error(plan, self.network_, self.encoder_.layout, gaps=gaps)
        there = torch.device(plan.device)
        job = Job(
            self.network_, placed(rows, there), plan, error, self.seed_ if seed is None else seed,
            corrupt=self._corruption(), inputs=None if inputs is None else placed(inputs, there),
            penalty=self._penalty if self._has_penalty else None, callbacks=fitting.watchers(self._parameters), gaps=gaps,
            element=fitting.element_loss(plan, self.encoder_.layout, gaps=gaps),
        )  # fmt: skip
        with threads_for(self._work * plan.batch_size, plan.batch_size * self.encoder_.layout.n_targets * plan.members):
            if run is not None:
                kept = run.checkpoints(job, rows, inputs, getattr(self, "corruption_", None))
                job = dataclasses.replace(job, checkpoints=kept)
            history = train(job)
        self.resumed_from_step_ = 0 if job.checkpoints is None else job.checkpoints.resumed_from
        self.network_.to("cpu")
        return history

    def _adopted(self, X: Any, *, keep: bool = False) -> tuple[Data, EncodedRows]:
        check_is_fitted(self)
        data, notes = self.encoder_.adopt(read_input(self, X, reset=False))
        warn_of(notes)
        return data, EncodedRows(data, self.encoder_, keep=keep)

    def _rows(self, X: Any, *, keep: bool = False) -> EncodedRows:
        return self._adopted(X, keep=keep)[1]

    def _run(self, network: Network, what: Any, rows: EncodedRows, dtype: torch.dtype = torch.float32) -> NDArray[Any]:
        return run_in_blocks(network, what, rows.slice, len(rows), self.block_rows_, dtype)

    def _errors(self, network: Network, rows: EncodedRows) -> NDArray[np.float32]:
        layout = self.encoder_.layout
        return self._run(network, lambda net, x: error_map(net(x).reconstruction, x, layout), rows)

    def _row_errors(self, network: Network, rows: EncodedRows) -> NDArray[np.float64]:
        """Mean of each row of `_errors`, found block by block so that the map is never whole in memory."""
        layout = self.encoder_.layout

        def of_block(net: Network, x: torch.Tensor) -> torch.Tensor:
            gaps = bool(x.sum().isnan())
            errors = error_map(net(x).reconstruction, x, layout, gaps=gaps)
            return per_row(errors, gaps=gaps, dtype=torch.float64)

        return self._run(network, of_block, rows, torch.float64)

    def _repr_html_(self) -> str:
        return summary.as_html(self) if hasattr(self, "network_") else str(super()._repr_html_())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class _Scratch(BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Takes the attributes that validation sets, when only a plan is wanted."""


def _reconstruction(network: Network, x: torch.Tensor) -> torch.Tensor:
    return network(x).reconstruction  # type: ignore[no-any-return]  # nn.Module calls are untyped
