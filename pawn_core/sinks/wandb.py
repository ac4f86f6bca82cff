"""Weights & Biases; `WANDB_MODE=offline` writes under the run's folder, for `wandb sync`."""

import wandb

from pawn_core.sinks.sink import PROJECT, RunInfo, Sink


class WandbSink(Sink):
    """A run at Weights & Biases."""

    name = "wandb"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._run = wandb.init(
            project=PROJECT,
            name=info.name,
            id=info.id,
            resume="allow",
            dir=info.run_dir,
            config=info.config,
            # Nothing that the config does not hold leaves the machine: no output, code or diff.
            settings=wandb.Settings(
                console="off", silent=True, disable_git=True, disable_code=True, save_code=False
            ),
        )

    def log(self, step: int, values: dict[str, float]) -> None:
        """Log numbers by name."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """End the run; online, after everything is sent."""
        self._run.finish()
