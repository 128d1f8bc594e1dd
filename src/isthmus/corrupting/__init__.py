"""The kinds of corruption and what they share; `isthmus.corruptions` has their public names."""
