"""``python -m isthmus`` and the ``isthmus`` command: arguments go in, an exit code comes out."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from isthmus.shell.cli import main as run  # here, so that importing this module costs nothing

    run()


if __name__ == "__main__":
    main()
