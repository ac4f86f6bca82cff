"""A model at a chess board: what it expects of a position, beside what is true there."""
