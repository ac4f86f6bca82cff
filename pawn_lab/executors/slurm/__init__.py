"""The executor of a Slurm cluster whose nodes share the workspace's file system."""
