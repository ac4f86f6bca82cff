"""Copies of checkpoints on the Hugging Face hub, made by a process beside the trainer.

The trainer only says which steps are saved. What is uploaded is decided from the run's folder: the
newest checkpoint first, then the best of each model; those in between are skipped where the hub is
slower than training. `uploads/<destination>.json` in the folder says what has arrived.
"""
