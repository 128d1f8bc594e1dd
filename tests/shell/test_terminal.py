from __future__ import annotations

import json
import sys

import pytest

from isthmus.shell import terminal


@pytest.mark.parametrize("nasty", ["\x1b[2J", "\x07", "\r", "\u202e", "\u200b", "\x9b31m", "\udc80"])
def test_steering_characters_are_shown_escaped(nasty, capsys):
    """Nothing that could steer a terminal or hide text is printed as it is."""
    terminal.say(f"name {nasty} end")
    terminal.pairs([(nasty, nasty)])
    terminal.grid(("head",), [(nasty,)])
    terminal.note(nasty)
    said = capsys.readouterr()
    assert nasty.strip("\r") not in said.out + said.err or nasty == "\r"
    assert "\r" not in said.out + said.err


def test_plain_text_stays(capsys):
    """Letters of any script are printed as they are."""
    terminal.say("größe 尺寸 × 2")
    assert capsys.readouterr().out == "größe 尺寸 × 2\n"


def test_a_note_is_one_line(capsys):
    """A message of several lines becomes one."""
    terminal.note("first\nsecond")
    assert capsys.readouterr().err == "isthmus: note: first second\n"


def test_no_colours_off_a_terminal(capsys):
    """Colours are left out where the output is not a terminal."""
    terminal.say("text", bold=True, color="red")
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_no_color_is_honoured(variable, coloured, capsys, monkeypatch):
    """On a terminal there are colours, unless NO_COLOR is set."""
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    terminal.say("text", color="red")
    assert ("\x1b[" in capsys.readouterr().out) == coloured


def test_json_has_no_number_that_json_lacks(capsys):
    """A number that is not finite becomes null."""
    terminal.say_json({"a": [float("nan"), 1.5], "b": float("inf")})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5], "b": None}


def test_suggestions_are_quoted(capsys):
    """A command to type next works as pasted, also with blanks in a name."""
    terminal.suggest(("inspect", "my model.safetensors"))
    assert "inspect 'my model.safetensors'" in capsys.readouterr().out


def test_the_program_is_named_as_it_was_started(monkeypatch, tmp_path):
    """Where isthmus is not on the path, the suggestion is how it was started."""
    monkeypatch.setattr(terminal.shutil, "which", lambda name: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "isthmus").touch()
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "isthmus")])
    assert terminal.program() == "isthmus"
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    assert terminal.program().endswith(" -m isthmus")
