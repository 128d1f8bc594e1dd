"""``isthmus inspect``: what a model file says of itself, without torch and without building the model."""

from __future__ import annotations

from typing import Any

import click

from isthmus.errors import ModelFileError
from isthmus.shell import flags, terminal

_SHOWN_COLUMNS = 30
HOLDS = "weights, the names, kinds, ranges and categories of the columns (or the mean picture), and the history of the fit; "
NO_ROWS = "no training rows"
DETECTOR = "AnomalyDetector"


@click.command("inspect")
@click.argument("file")
@flags.json_option
def command(file: str, as_json: bool) -> None:
    """Show what a model FILE holds.

    Every byte of it is checked against its digest first; nothing in it is run.
    """
    from isthmus.files.container import read, read_header

    header = read_header(file)
    # What the header announces is what is expected: this checks lengths, values and the digest, not whether it is a model.
    _, arrays = read(file, lambda spec: {info.name: (_dtype(info.dtype), info.shape) for info in header.tensors})
    try:
        record = _record(file, header, arrays)
        lines = _lines(record)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"Cannot show {file!r}: it is not the description of a model of this version.") from error
    if as_json:
        terminal.say_json(record)
        return
    for title, pairs in lines:
        terminal.say(title, bold=True)
        terminal.pairs(pairs)


def _record(file: str, header: Any, arrays: Any) -> dict[str, Any]:
    """Everything that is shown, as one object."""
    spec = header.spec
    whole = {
        "file": file,
        "estimator": spec["estimator"],
        "format": header.format,
        "versions": spec["versions"],
        "file_bytes": header.file_bytes,
        "sha256": header.sha256,
    }
    if spec["estimator"] != DETECTOR:
        return {**whole, **_of_model(spec, header, ""), "training_rows_held": 0, "notes": spec["notes"]}
    inside = {"estimator": spec["model"]["estimator"], **_of_model(spec["model"], header, "model.")}
    return {
        **whole,
        "rows": spec["n_rows"],
        **_of_threshold(spec, arrays["calibration"]),
        "parameters": spec["parameters"],
        "scorer": spec["scorer"],
        "seed": spec["seed"],
        "training_rows_held": spec["scorer"]["n_reference"],
        "notes": spec["notes"],
        "model": {**inside, "notes": spec["model"]["notes"]},
    }


def _of_threshold(spec: dict[str, Any], calibration: Any) -> dict[str, Any]:
    """The threshold of a detector, its rule, and what it promises."""
    from isthmus.conformal import expected_false_alarms
    from isthmus.models.thresholding import Rule

    alarms = expected_false_alarms(calibration, spec["threshold"])
    rule = Rule(spec["rule"]["name"], spec["rule"]["options"])
    return {
        "threshold": spec["threshold"],
        "rule": {**spec["rule"], "words": rule.words()},
        "false_alarms_per_1000": {
            **{name: 1_000 * getattr(alarms, name) for name in ("rate", "low", "high")},
            "level": alarms.level,
            "words": alarms.words,
        },
        "calibration_scores": len(calibration),
    }


def _of_model(spec: dict[str, Any], header: Any, prefix: str) -> dict[str, Any]:
    """What is shown of a model, whose arrays are named with ``prefix``."""
    encoder = spec["encoder"]
    pictures = encoder["type"] == "pixels"
    epochs = [dict(zip(("epoch", "training", "validation", "rate", "kept"), e, strict=True)) for e in spec["history"]]
    best = next((entry for entry in reversed(epochs) if entry["kept"]), epochs[0] if epochs else {})
    return {
        "rows": spec["n_rows"],
        "columns": None if pictures else _columns(encoder),
        "pictures": {key: encoder[key] for key in ("shape", "dtype", "low", "high")} if pictures else None,
        **({"corruption": spec["corruption"]} if spec["estimator"] == "DenoisingAutoencoder" else {}),
        "parameters": spec["parameters"],
        "plan": {name: value for name, value in spec["plan"].items() if name != "notes"},
        "weights": _sizes(header, f"{prefix}network"),
        "baseline": _sizes(header, f"{prefix}baseline") if spec["baseline"] else None,
        "seed": spec["seed"],
        "history": {
            "epochs": int(epochs[-1]["epoch"]) if epochs else 0,
            "kept_epoch": int(best["epoch"]) if epochs else 0,
            "first_validation_error": epochs[0]["validation"] if epochs else None,
            "kept_validation_error": best.get("validation"),
        },
    }


def _columns(encoder: dict[str, Any]) -> list[dict[str, str]]:
    names = encoder["names"] or [f"x{place}" for place in range(len(encoder["kinds"]))]
    return [{"name": str(name), "kind": str(kind)} for name, kind in zip(names, encoder["kinds"], strict=True)]


def _sizes(header: Any, part: str) -> int:
    """Count the numbers in the arrays of one part of a model."""
    total = 0
    for info in header.tensors:
        size = 1
        for side in info.shape:
            size *= side
        total += size if info.name.startswith(f"{part}.") else 0
    return total


def _lines(record: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The record in sections of names and values."""
    written = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    held, inside = record["training_rows_held"], record.get("model", record)
    about = [
        ("estimator", record["estimator"]),
        ("written by", written),
        ("size", f"{record['file_bytes']:,} bytes, file format {record['format']}"),
        ("digest", f"sha256 {record['sha256']} (checked)"),
        ("holds", HOLDS + (_rows_held(held) if held else NO_ROWS)),
    ]
    if inside is record:
        return [(record["file"], about + _network_lines(record)), *_model_sections(record)]
    about += [("seed", str(record["seed"])), *(("note", note) for note in record["notes"])]
    detecting = [
        ("threshold", f"{record['threshold']:.4g} by the rule {record['rule']['words']}"),
        ("expected", record["false_alarms_per_1000"]["words"]),
        ("calibration scores", f"{record['calibration_scores']:,}"),
        ("training rows held", f"{held:,}" if held else "none"),
    ]
    parameters = [(name, _text(value)) for name, value in record["parameters"].items()]
    inner = [("estimator", inside["estimator"]), *_network_lines(inside)]
    return [
        (record["file"], about),
        ("threshold", detecting),
        ("parameters", parameters),
        ("model inside", inner),
        *((f"model inside: {title}", pairs) for title, pairs in _model_sections(inside)),
    ]


def _rows_held(n: int) -> str:
    return (
        f"{n:,} training rows as neighbours, in scaled units from which their values can be read: "
        "give the file only to those who may see these rows"
    )


def _network_lines(record: dict[str, Any]) -> list[tuple[str, str]]:
    latent, members = record["plan"]["latent_dim"], record["plan"].get("members", 1)
    of_pca = "the same latent size" if members == 1 else "the latent size of one member"
    return [
        *([("restores", _corruption(record["corruption"]))] if "corruption" in record else []),
        ("latent", f"{latent * members:,} numbers" if latent else "no latent"),
        ("baseline", f"PCA at {of_pca}" if record["baseline"] is not None else "none"),
        ("weights", f"{record['weights']:,} numbers"),
    ]


def _model_sections(record: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    history = record["history"]
    trained = [
        ("epochs", f"{history['epochs']}, weights of epoch {history['kept_epoch']} kept"),
        ("first validation error", _number(history["first_validation_error"])),
        ("kept validation error", _number(history["kept_validation_error"])),
        ("seed", str(record["seed"])),
        *(("note", note) for note in record["notes"]),
    ]
    parameters = [
        (name, _corruption(value) if name == "corruption" and isinstance(value, list) else _text(value))
        for name, value in record["parameters"].items()
    ]
    plan = [(name, _text(value)) for name, value in record["plan"].items()]
    return [("fitted on", _data_lines(record)), ("training", trained), ("plan", plan), ("parameters", parameters)]


def _corruption(parts: list[dict[str, Any]] | None) -> str:
    """A corruption as `isthmus.corruptions.from_text` reads it, every value of it shown."""
    if parts is None:
        return "what the spoiled rows of its pairs had"
    return " | ".join(" ".join([_kebab(part["name"]), *_values(part)]) for part in parts)


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _values(part: dict[str, Any]) -> list[str]:
    listed = {key: ",".join(map(str, v)) if isinstance(v, list) else str(v) for key, v in part.items() if key != "name"}
    return [f"{key}={value.lower() if value in ('True', 'False') else value}" for key, value in listed.items()]


def _data_lines(record: dict[str, Any]) -> list[tuple[str, str]]:
    if record["pictures"]:
        channels, height, width = record["pictures"]["shape"]
        form = f"{height} high, {width} wide, {channels} channel{'s' * (channels != 1)}, {record['pictures']['dtype']}"
        return [("pictures", f"{record['rows']:,}"), ("form", form)]
    columns = record["columns"]
    lines = [("rows", f"{record['rows']:,}"), ("columns", f"{len(columns):,}")]
    lines += [(f"  {column['name']}", column["kind"]) for column in columns[:_SHOWN_COLUMNS]]
    return lines + ([("", f"and {len(columns) - _SHOWN_COLUMNS:,} more")] if len(columns) > _SHOWN_COLUMNS else [])


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return _number(value) if isinstance(value, float) else "none" if value is None else str(value)


def _number(value: Any) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _dtype(code: str) -> str:
    from isthmus.files.header import TYPES

    return TYPES[code]
