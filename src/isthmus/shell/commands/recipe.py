"""``isthmus recipe``: the systems of the tutorials, as written and improved, by one command."""

from __future__ import annotations

import click

from isthmus.shell import flags, terminal


@click.group("recipe")
def command() -> None:
    """Complete systems by name: data, network, training, result.

    Each is a system that tutorials on autoencoders describe. It runs as written there, with isthmus's own defaults at the
    same latent size beside it, and with the classical baseline.
    """


@command.command("list")
@flags.json_option
def list_(as_json: bool) -> None:
    """List the recipes."""
    from isthmus import recipes

    found = [recipes.find(name) for name in recipes.names()]
    if as_json:
        terminal.say_json([{"name": r.name, "about": r.about, "dataset": r.dataset, "task": r.task} for r in found])
        return
    terminal.grid(("name", "data", "about"), [(r.name, r.dataset, r.about) for r in found])
    terminal.suggest(("recipe", "run", found[0].name))


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Show what recipe NAME says, to the last setting."""
    from isthmus import recipes

    found = recipes.find(name)
    terminal.say(found.name, bold=True)
    terminal.pairs(recipes.described(found))


@command.command("run")
@click.argument("name")
@click.option("--as-written", "only", flag_value="as_written", help="Only as the tutorial says.")
@click.option("--improved", "only", flag_value="improved", help="Only isthmus's own defaults.")
@click.option("--alternative", metavar="NAME", help="Another reading of the tutorial, where the recipe has one.")
@click.option("--data-dir", metavar="DIR", help="Folder with the data set.  [default: ISTHMUS_DATA, or the cache]")
@click.option("--output", "-o", metavar="DIR", help="Write pictures, report, models and figures into this folder.")
@click.option("--random-state", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Seed.")
@flags.json_option
def run(
    name: str,
    only: str | None,
    alternative: str | None,
    data_dir: str | None,
    output: str | None,
    random_state: int,
    as_json: bool,
) -> None:
    """Run recipe NAME: as written, improved, and the classical baseline on the same rows."""
    from isthmus import recipes

    result = recipes.run(
        name,
        as_written=only != "improved",
        improved=only != "as_written",
        alternative=alternative,
        data_dir=data_dir,
        output=output,
        random_state=random_state,
        say=lambda line: terminal.say(line, err=as_json),
    )
    head, *rows = result.table()
    terminal.say(result.recipe.name, err=as_json, bold=True)
    terminal.grid(head, rows, err=as_json)
    recipe = result.recipe
    terminal.say(f"the tutorial's own program: {recipe.figure} {recipe.reach:g}", err=as_json)
    for remark in recipe.remarks:
        terminal.say(f"- {remark}", err=as_json)
    for file in result.files:
        terminal.say(f"wrote {file}", err=as_json, color="green")
    if as_json:
        terminal.say_json(result.record())
