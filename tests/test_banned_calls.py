"""Nothing in the tree can run code that came in a file: no pickle, no eval, no loader that uses them.

scikit-learn's own checks pickle estimators inside scikit-learn; that code is not ours.
"""

from __future__ import annotations

import ast

import pytest

MODULES = {"pickle", "_pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve", "marshal", "skops"}
NAMES = {"eval", "exec", "__import__"}
ATTRIBUTES = {
    "torch.load", "torch.jit.load", "torch.serialization.load", "torch.package", "torch.hub",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load",
}  # fmt: skip
METHODS = {"read_pickle", "to_pickle"}


def dotted(node: ast.expr) -> str:
    """``torch.jit.load`` of the expression; an empty string for any other kind."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def banned(tree: ast.AST) -> list[str]:
    """What of the banned things a file does, with the line."""
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = inside if str(node.module).split(".")[0] in MODULES else [n for n in inside if n in ATTRIBUTES]
        elif isinstance(node, ast.Attribute):
            names = [name for name in [dotted(node)] if name in ATTRIBUTES or node.attr in METHODS]
        elif isinstance(node, ast.Call):
            names = banned_in_call(node)
        found += [f"line {node.lineno}: {name}" for name in names]
    return found


def banned_in_call(node: ast.Call) -> list[str]:
    """What of the banned things a call does by its name or its arguments."""
    names = [node.func.id] if isinstance(node.func, ast.Name) and node.func.id in NAMES else []
    allowed = [
        isinstance(k.value, ast.Constant) and k.value.value is False for k in node.keywords if k.arg == "allow_pickle"
    ]
    names += ["allow_pickle"] * (not all(allowed))
    if dotted(node.func).endswith(("import_module", "need")):
        names += [str(a.value) for a in node.args if isinstance(a, ast.Constant) and a.value in MODULES]
    return names


def test_nothing_runs_code_from_files(trees):
    """No file of the project unpickles or evaluates."""
    assert {path: found for path, tree in trees.items() if (found := banned(tree))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch; torch.load('x')",
        "from torch import load",
        "import numpy as np; np.load('x', allow_pickle=True)",
        "flag = True; np.load('x', allow_pickle=flag)",
        "import yaml; yaml.load('x')",
        "eval('1')",
        "importlib.import_module('pickle')",
        "pandas.read_pickle('x')",
    ],
)
def test_the_search_finds(code):
    """The search itself works: it finds each banned thing."""
    assert banned(ast.parse(code))


@pytest.mark.parametrize("code", ["network.eval()", "np.load('x', allow_pickle=False)", "re.compile('x')"])
def test_the_search_lets_pass(code):
    """The search does not take a network's ``eval()`` or a plain load for a banned call."""
    assert not banned(ast.parse(code))
