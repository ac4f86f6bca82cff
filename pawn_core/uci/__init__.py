"""A model as a chess program that speaks UCI."""
