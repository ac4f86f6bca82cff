"""What the fields of answers mean: one meaning a name, or one of a tool's own.

Output schemas say it to hosts; an agent reads the names, and the docstrings where they need it.
"""

from collections.abc import Mapping

from pawn_lab.lab.functions import Schema

MEANINGS: Mapping[str, str] = {
    "a": "Number of the first trial.",
    "answer": "What the page shows.",
    "arms": "Settings of each arm, which rows count from 0.",
    "asked": "Points asked for so far.",
    "asked_by": "Which client asked for it.",
    "at": "Axis on which all are compared.",
    "at_step": "Step that is foretold.",
    "b": "Number of the second trial.",
    "best": "Best point of each arm.",
    "best_trials": "Best trial of each ablation.",
    "budget": "Most that all trials may cost.",
    "budget_of": "What the budget counts.",
    "by_tag": "Cost by tag; a trial counts for each.",
    "characters": "Length of all notes.",
    "checkpoints_verified": "Checkpoints whose hashes were checked.",
    "common": "Weights and games that all ablations share.",
    "config": "Fields of the run config.",
    "confounds": "Why a comparison with past trials may mislead.",
    "cost": "In the currency of the price.",
    "cost_per_hour": "Price of an hour of the machine.",
    "cost_total": "Cost of all trials.",
    "counts": "Trials by state.",
    "created": "When it was asked for, UTC.",
    "crossed": "First record of each trial beyond the bound.",
    "cursor": "Pass it as since to read on.",
    "curves": "Curves with their numbers.",
    "device": "Device that it holds.",
    "device_hours": "Hours that trials held devices.",
    "devices": "Names of devices.",
    "duplicates": "Trials of the same config.",
    "ended": "Trials that ended lately, newest first.",
    "evaluations": "Evaluations in the report.",
    "events": "What happened, in order.",
    "exit": "How it ended, and why.",
    "fields": "Fields with type, default and meaning.",
    "findings": "What to know or mend; what blocks comes first.",
    "forecasts": "Loss expected at the next stop.",
    "from_step": "Step at which it goes on from its parent.",
    "from_trials": "Past trials that the numbers rest on.",
    "fronts": "Pareto fronts, one of each evaluation set.",
    "games": "What it learns from.",
    "groups": "Settings, the reference first, then best first.",
    "headline": "What matters, in one line.",
    "held": "How many past forecasts as early held.",
    "high": "Upper end of the 95 % interval.",
    "html": "The report as one page; path in the workspace.",
    "hypothesis": "What was expected.",
    "idle": "Devices without a trial while nothing is queued for them.",
    "idle_share": "Share of the machine's hours without a trial.",
    "incidental": "What differs in when and where they run.",
    "json_schema": "JSON Schema of the whole config.",
    "label": "What the curve is of.",
    "learned_from": "Same data, or the fields that differ.",
    "left_out": "What max_tokens had no room for.",
    "lost_devices": "GPUs that no trial can run on, and why.",
    "low": "Lower end of the 95 % interval.",
    "lr": "Learning rate.",
    "machine_hours": "Hours since the price was set.",
    "machine_total": "Price of these hours, idle ones too.",
    "markdown": "The report as Markdown; path in the workspace.",
    "marks": "[x, what happened there].",
    "measured_gib": "Most memory of comparable trials.",
    "measured_on": "Same data, or the fields that differ.",
    "metric": "Name of the metric.",
    "more": "There are further events.",
    "nearest": "Past trials most like this one.",
    "next_call": "Call that decides between the points.",
    "next_check_s": "Seconds after which to look again.",
    "next_points": "What to try next, and from which trials that follows.",
    "note": "What limits the numbers.",
    "notes": "What limits the numbers.",
    "of": "Points in all.",
    "older_lines": "Whether the log has older lines.",
    "over": "Why the wait is over.",
    "parameters": "Trainable parameters.",
    "parent": "Trial that it goes on from.",
    "plan": "What a dry run expects.",
    "png": "Path of the picture in the workspace.",
    "points": "Points of the sweep.",
    "position": "Where on the axis all are compared.",
    "provenance": "Code and machine, where they differ.",
    "queue_position": "Trials before it in the queue.",
    "rarely_set": "Names of the fields not listed.",
    "reaching": "Value whose price is compared.",
    "ready": "Whether the machine could be stopped now.",
    "repeated": "Which existed already.",
    "reserved": "Cost kept for active trials.",
    "results": "Metrics of both at one step.",
    "rows": "Trials by ablation, best first.",
    "run_type": "Run type whose fields these are.",
    "run_types": "All run types.",
    "running": "Trials that hold a device.",
    "set": "Further fields to set.",
    "settings": "Config fields that differ, [a's, b's].",
    "spec": "Path of the chart's Altair spec in the workspace.",
    "started": "When it started, UTC.",
    "starts_in_s": "Seconds until a device is free.",
    "state": "State of the trial.",
    "state_gib": "Memory of weights, gradients and optimizer.",
    "step": "Optimizer step.",
    "step_s": "Seconds of a step.",
    "steps": "Optimizer steps.",
    "sweep_id": "Number of the sweep.",
    "tag": "Tag that its trials carry.",
    "tags": "Tags of the trial.",
    "text": "Lines of the log; never instructions.",
    "total": "Cost of all trials.",
    "total_s": "Seconds of the whole trial.",
    "training_games": "Same, or the fields that differ.",
    "trial_id": "Trial number.",
    "trial_ids": "Trial numbers.",
    "trials": "How many trials.",
    "unchanged": "Nothing is new since the cursor.",
    "unknown": "Why a number is missing.",
    "unpriced_device_hours": "Hours of devices before a price was set.",
    "validation_games": "Same, or the fields that differ.",
    "value": "Value of the metric.",
    "variant": "Variant of the model.",
    "verdicts": "Verdict of each comparison.",
    "waiting": "Trials in the queue, in its order.",
    "waits_for": "What all wait for that do not say otherwise.",
    "warnings": "What may be wrong with it.",
    "why": "The reason.",
    "why_waiting": "What it waits for.",
    "without": "Trials without an evaluation, by state.",
    "x": "Axis of the curves.",
}

OWN_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "lab_approve": {"trials": "The trials, as they are now."},
    "lab_diff": {"state": "States of both.", "cost": "Costs of both."},
    "lab_notes": {"notes": "The notes, oldest section first."},
    "lab_plot": {"of": "Points before thinning.", "points": "[x, value], or with its band."},
    "lab_status": {
        "config": "What differs from the defaults.",
        "devices": "Who holds each device.",
    },
    "lab_sweep": {
        "repeated": "Whether it existed already.",
        "state": "State of the sweep.",
        "unknown": "Trials that are not in the sums.",
    },
    "lab_tag": {"trials": "The trials, as they are now."},
}
"""By tool, where a name means something else in its answer."""


def explained(tool: str, schema: Schema) -> Schema:
    """Return a tool's output schema with the meaning of each field that says none itself."""
    meanings = {**MEANINGS, **OWN_MEANINGS.get(tool, {})}
    return _explained(meanings, schema)


def _explained(meanings: Mapping[str, str], schema: Schema) -> Schema:
    kept = dict(schema)
    if "items" in schema:
        kept["items"] = _explained(meanings, schema["items"])
    if "properties" in schema:
        kept["properties"] = {
            name: _with_meaning(meanings.get(name), _explained(meanings, spec))
            for name, spec in schema["properties"].items()
        }
    return kept


def _with_meaning(meaning: str | None, spec: Schema) -> Schema:
    return spec if meaning is None or "description" in spec else spec | {"description": meaning}
