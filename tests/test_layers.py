"""The layers of the design: a file imports only from below, or from its own folder, and never in a circle."""

from __future__ import annotations

import ast
import graphlib
import sys

# The layer of each file or folder at the top of the package.
LAYERS = {
    "errors": 0, "allowed": 0, "parameters": 0, "atomic": 0, "atomic_folder": 0, "optional": 0, "version": 0,
    "data": 1, "layout": 1,
    "prep": 2, "nets": 2, "baselines": 2, "losses": 2, "corruptions": 2, "corrupting": 2, "scoring": 2, "thresholds": 2,
    "attribution": 2, "files": 2, "filters": 2, "restoration": 2, "tiles": 2,
    "labelled": 2, "conformal": 2, "drift": 2, "scores": 2,
    "plan": 3, "sizing": 3, "train": 3,
    "models": 4,
    "views": 5, "systems": 5, "recipes": 5,
    "shell": 6,
    "__init__": 7, "__main__": 7,
}  # fmt: skip
# Imports between two of the same layer: from the first to the second.
BESIDE = {
    ("parameters", "errors"), ("parameters", "allowed"), ("atomic", "errors"), ("optional", "errors"),
    ("atomic_folder", "atomic"), ("atomic_folder", "errors"),
    ("corruptions", "corrupting"), ("corrupting", "prep"), ("corrupting", "nets"),
    ("plan", "sizing"), ("train", "plan"), ("train", "sizing"), ("systems", "views"), ("recipes", "systems"), ("recipes", "views"),
    ("restoration", "filters"),
    ("scores", "nets"), ("scores", "prep"), ("scoring", "scores"), ("scoring", "nets"), ("scoring", "prep"),
    ("labelled", "thresholds"), ("conformal", "thresholds"), ("drift", "thresholds"),
    ("__main__", "__init__"),
}  # fmt: skip
# Inside these folders a file imports only from a file named before it.
ORDER = {
    "files": ("strict_json", "schema", "migrations", "header", "container", "run_folder", "model_file", "onnx"),
}


def top(module: str) -> str:
    """``isthmus.data.table`` -> ``data``; the package itself -> ``__init__``."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(tree: ast.Module, modules: set[str]) -> set[str]:
    """The modules of isthmus that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & modules) | ({node.module} if names - modules else set())
    return {name for name in found if name.split(".")[0] == "isthmus"}


def outside(tree: ast.AST) -> set[str]:
    """The first names of the packages other than isthmus that a file imports, anywhere in it."""
    nodes = list(ast.walk(tree))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names} - {"isthmus"}


def test_every_file_has_a_layer(package):
    """A new file or folder at the top of the package is given a layer here."""
    assert {top(module) for module in package} <= set(LAYERS)


def test_imports_go_down(package):
    """A file imports from a smaller layer, from its own folder, or where `BESIDE` says so."""
    wrong = [
        f"{module} imports {target}"
        for module, tree in package.items()
        for target in imported(tree, set(package))
        if LAYERS[top(target)] >= LAYERS[top(module)]
        and top(target) != top(module)
        and (top(module), top(target)) not in BESIDE
    ]
    assert wrong == []


def test_no_cycles(package):
    """The modules can be put in an order in which each imports only from those before it."""
    graph = {module: imported(tree, set(package)) for module, tree in package.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError where there is none
    assert set(order) == set(package)


def test_order_inside_folders(package):
    """Where an order is listed, each file stands in it and imports only from files before it."""
    for folder, order in ORDER.items():
        files = {m: t for m, t in package.items() if m.startswith(f"isthmus.{folder}.")}
        for module, tree in files.items():
            name = module.split(".")[2]
            assert name in order, f"{module} has no place in ORDER"
            above = set(order[: order.index(name)])
            inside = {target.split(".")[2] for target in imported(tree, set(package)) & set(files)}
            assert inside <= above, f"{module} imports {inside - above}"


def test_folders_hold_no_code_of_their_own(package, trees):
    """The ``__init__`` of a folder is a docstring, so importing one file never loads its neighbours."""
    for path, tree in trees.items():
        if path.startswith("src/isthmus/") and path.endswith("/__init__.py") and path != "src/isthmus/__init__.py":
            assert [type(node).__name__ for node in tree.body] == ["Expr"], path


def test_lowest_layer_is_standard_library(package):
    """Errors, parameters, atomic writes and optional imports need nothing that is installed."""
    for module, tree in package.items():
        if LAYERS[top(module)] == 0:
            assert outside(tree) <= set(sys.stdlib_module_names), module


def test_data_never_needs_torch(package):
    """Reading data works without loading torch."""
    for module, tree in package.items():
        if top(module) in ("data", "files"):
            assert "torch" not in outside(tree), module


def test_command_line_loads_nothing_heavy_at_import(package):
    """``isthmus --help`` is quick because heavy packages are imported inside the functions that need them."""
    heavy = {"torch", "sklearn", "numpy", "scipy", "pyarrow", "matplotlib", "PIL", "pandas"}
    for module, tree in package.items():
        if LAYERS[top(module)] >= 6:
            at_import = ast.Module(
                body=[n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))], type_ignores=[]
            )
            assert not outside(at_import) & heavy, module
