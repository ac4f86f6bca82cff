"""Trials as Hugging Face Jobs: containers that somebody else's machines run, and bill."""
