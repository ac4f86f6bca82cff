"""Configs, models, data, training loop, evaluation and checkpoints."""
