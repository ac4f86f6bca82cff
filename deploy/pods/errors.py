"""What goes wrong with pods, in one line that says what to do. Standard library only."""


class PodError(Exception):
    """A pod cannot be had, reached or touched as asked."""
