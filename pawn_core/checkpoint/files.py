"""The file names of a checkpoint. Standard library only."""

SENTINEL = ".complete"
MODEL = "model.safetensors"
OPTIMIZER = "optimizer.safetensors"
STATE = "training_state.json"
CONFIG = "config.json"
FILES = (MODEL, OPTIMIZER, STATE, CONFIG)
