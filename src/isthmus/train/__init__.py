"""Training: the machine, the callbacks and the one loop."""
