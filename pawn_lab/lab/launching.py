"""What changes trials: launch, resume, kill."""

from collections.abc import Sequence
from typing import Any

from pawn_lab import failpoints
from pawn_lab.lab.reading import Reading
from pawn_lab.records import Trial
from pawn_lab.store import trials
from pawn_lab.trials import launches, lineage, requests


class Launching(Reading):
    """Calls that start trials and end them."""

    def launch(
        self,
        config: dict[str, Any],
        *,
        tags: Sequence[str] = (),
        hypothesis: str | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
        gpus: int = 1,
    ) -> Trial:
        """Queue a trial and start it if a device is free; a known key returns its first trial.

        Raises:
            InvalidRequestError: the config or another argument is refused; says why.
        """
        requests.check_gpus(gpus)
        checked = requests.checked_config(config)
        request = requests.request(
            priority, idempotency_key, config=checked.model_dump(mode="json")
        )
        columns = {
            "tags": requests.checked_tags(tags),
            "hypothesis": requests.checked_hypothesis(hypothesis),
        }
        with self._database.write() as tx:
            trial_id = launches.launch(tx, request, checked, self._launcher, **columns)
        self.tick()
        return self.trial(trial_id)

    def resume(
        self,
        trial_id: int,
        *,
        overrides: dict[str, Any] | None = None,
        pause_after_steps: int | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Trial:
        """Queue a new trial that goes on from a trial's newest verified checkpoint.

        It has the parent's config with `overrides`, and pauses only where told to.

        Raises:
            TrialStateError: the trial has not ended.
            NoCheckpointError: it has no checkpoint that can be trusted.
            UnsafeOverrideError: an override of what the checkpoint decides, such as d_model.
            InvalidRequestError: another argument is refused; says why.
        """
        requests.check_json("overrides", overrides)
        asked = {"resume": trial_id, "overrides": overrides, "pause_after_steps": pause_after_steps}
        request = requests.request(priority, idempotency_key, **asked)
        self.tick()
        with self._database.read() as tx:
            known, parent = launches.known(tx, request), trials.get(tx, trial_id)
        if known is not None:
            return self.trial(known)
        lineage.check_ended(parent)
        point = lineage.resume_point(parent, self.paths.trial(trial_id))
        config = lineage.resumed_config(
            parent, point.checkpoint.step, overrides or {}, pause_after_steps
        )
        with self._database.write() as tx:
            new_id = launches.resume(
                tx, request, config, self._launcher, parent, point, self.paths.root
            )
        self.tick()
        return self.trial(new_id)

    def kill(self, trial_id: int, *, reason: str | None = None) -> Trial:
        """Ask a trial to save and stop, by force after its grace period; returns at once.

        Raises:
            TrialStateError: the trial has already ended.
        """
        why = requests.checked_reason(reason)
        self.tick()
        with self._database.write() as tx:
            launches.request_kill(tx, trials.get(tx, trial_id), why)
        failpoints.hit("kill.requested")
        self.tick()
        return self.trial(trial_id)
