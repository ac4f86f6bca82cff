"""Prompts for the usual jobs: what a person picks from a menu instead of writing it."""

from typing import Annotated

from mcp.server import MCPServer
from pydantic import Field

_ABLATION_STUDY = """\
Run an ablation study with the lab.

Ablations: {ablations}. Learning rates of each: {learning_rates}. First look: {pause_after_steps}
steps; full length: {total_steps} steps.

1. lab_notes and lab_status: what is there already. lab_schema: how each ablation is spelled.
2. lab_set_cost with the price of an hour, if none is set; ask me if you do not know it.
3. lab_launch every ablation at every learning rate, with total_steps {total_steps} and
   pause_after_steps {pause_after_steps}, a tag for the study, a hypothesis, and an
   idempotency_key for each.
4. lab_wait and lab_events until all are paused; lab_log and a decision for whatever failed.
5. lab_results: the best learning rate within each ablation. If it lies at the edge of the rates,
   launch one more beyond that edge first. lab_notes: table, choices, reasons.
6. lab_resume the best of each ablation to the full length; lab_wait again.
7. Report: a table of the results with the step of each, lab_plot of the curves, the cost, and what
   cannot be concluded (one seed; losses of different games).
"""

_LEARNING_RATES = """\
Find a good learning rate for this config with the lab: {config}

lab_results first: are there comparable trials already? Then launch rates a factor of three apart,
paused early, on the schedule of the full run; add a rate beyond the edge if the best lies there;
two more seeds of the two best; lab_compare before you call one better. Write table and choice into
lab_notes and answer with the choice, its evidence and the cost.
"""

_CHECK_IN = """\
Check in on the lab, in as few tokens as it takes.

lab_status with the last cursor of the notes. If nothing has changed, say so in one line. Else
decide what the headline asks for: resume, launch, or look into a failure with lab_log. No device
should be idle while a question is open. New facts go into lab_notes, with the cursor.
"""

_POST_MORTEM = """\
Explain why trial {trial_id} ended as it did.

lab_status and lab_events of the trial, lab_log around the first error, lab_plot of its loss beside
its nearest good trial. Answer with: what happened and when, the evidence, the cause as far as
known, what to change, and the one call that tries it. Add it to lab_notes.
"""

_WRAP_UP = """\
Finish this session so that the machine can be stopped.

lab_audit, and mend what blocks. lab_results and lab_compare of the study; lab_notes with final
tables, choices, open questions and cost. Answer with the report and whether the gate is open.
"""


def add_prompts(server: MCPServer) -> None:
    """Register the prompts."""

    @server.prompt(title="Ablation study")
    def ablation_study(
        ablations: Annotated[
            str, Field(description="Config fields to switch on one by one, comma-separated.")
        ] = "mate_boost, no_outcome_token, discard_ply_limit",
        learning_rates: Annotated[
            str, Field(description="Learning rates to try for each, comma-separated.")
        ] = "1e-4, 3e-4, 1e-3",
        pause_after_steps: Annotated[
            str, Field(description="Optimizer steps of the first look.")
        ] = "5000",
        total_steps: Annotated[
            str, Field(description="Optimizer steps of the full length.")
        ] = "200000",
    ) -> str:
        """Several ablations at several learning rates: pause early, pick, resume, report."""
        return _ABLATION_STUDY.format(
            ablations=ablations,
            learning_rates=learning_rates,
            pause_after_steps=pause_after_steps,
            total_steps=total_steps,
        )

    @server.prompt(title="Learning rate")
    def learning_rate(
        config: Annotated[str, Field(description="Run config, as JSON or in words.")],
    ) -> str:
        """A good learning rate for one config, with evidence."""
        return _LEARNING_RATES.format(config=config)

    @server.prompt(title="Check in")
    def check_in() -> str:
        """One cheap look at the lab, and what it asks for."""
        return _CHECK_IN

    @server.prompt(title="Post-mortem")
    def post_mortem(trial_id: Annotated[str, Field(description="Trial number.")]) -> str:
        """Why a trial ended as it did, and what to try next."""
        return _POST_MORTEM.format(trial_id=trial_id)

    @server.prompt(title="Wrap up")
    def wrap_up() -> str:
        """The gate before the machine is stopped: audit, tables, notes."""
        return _WRAP_UP
