"""The file names of a checkpoint. Standard library only."""

SENTINEL = ".complete"
TENSORS = ".safetensors"
MODEL = f"model{TENSORS}"
OPTIMIZER = f"optimizer{TENSORS}"
STATE = "training_state.json"
CONFIG = "config.json"
FILES = (MODEL, OPTIMIZER, STATE, CONFIG)
