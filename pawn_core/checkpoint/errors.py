"""What can be wrong with a checkpoint.

CheckpointError
├── IncompleteCheckpointError       no directory, no `.complete`, or a file is missing
├── IncompatibleWeightsError        whole, but of another kind of model or format
└── CheckpointIntegrityError        a file is not what `.complete` says, or not what it should be
    └── UnsafeFileError             a pickle, or a tensor file whose header is out of bounds
"""


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the text names the path and the reason."""


class IncompleteCheckpointError(CheckpointError):
    """The checkpoint was never finished: its `.complete` or one of its files is missing."""


class IncompatibleWeightsError(CheckpointError):
    """Weights of another architecture, vocabulary or file format."""


class CheckpointIntegrityError(CheckpointError):
    """A file differs from the hash in `.complete`, or its contents cannot be a checkpoint's."""


class UnsafeFileError(CheckpointIntegrityError):
    """A file that must not reach a parser: a pickle, or a tensor header out of bounds."""
