"""The named systems behind `isthmus.recipes`: what they are, how one is run, what it shows."""
