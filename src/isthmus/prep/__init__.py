"""Preparation: raw units to network units and back; part of the model."""
