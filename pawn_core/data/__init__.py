"""Addressed games from the engine, laid out as training sequences."""
