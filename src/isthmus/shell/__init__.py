"""The command line: words in, files and plain lines out. Imports nothing heavy until a verb needs it; no numerics."""
