"""Data in: from files and frames to a `Table`, `Pictures` or a NumPy array. NumPy and Arrow only, never torch."""
