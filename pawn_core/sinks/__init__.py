"""Experiment trackers that get a copy of the metrics stream; `metrics.jsonl` stays the truth."""
