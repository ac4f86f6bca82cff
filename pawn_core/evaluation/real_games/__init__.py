"""Evaluation on real games, read from PGN."""
