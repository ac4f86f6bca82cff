"""lab_audit: the gate before a machine is stopped."""

from typing import Annotated, ClassVar

from pydantic import Field

from pawn_lab.analysis.audit import audit
from pawn_lab.lab import Lab, queries
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Table, Tag, TrialId


class FindingRow(Answer):
    """Something to know; `blocks`: to mend before the machine is stopped."""

    trial_id: int | None = None
    finding: str
    blocks: bool


class AuditAnswer(Reading):
    """`ready` where nothing blocks; the findings that block come first."""

    cuttable: ClassVar = ("findings",)

    ready: bool
    trials: int
    checkpoints_verified: int
    findings: Table[FindingRow]

    @property
    def all_clear(self) -> bool:
        """Whether the machine may be stopped."""
        return self.ready


def lab_audit(
    lab: Lab,
    trial_ids: Annotated[list[TrialId] | None, Field(description="Only these.")] = None,
    tag: Tag = None,
    since: Since = None,
    max_tokens: MaxTokens = 1500,
) -> AuditAnswer:
    """Say whether the machine could be stopped now; at the end of each phase.

    Blocks: trials, checkpoints, old notes.

    What blocks: any trial queued or running, of those asked about or not; one completed or paused
    without a checkpoint; a newest checkpoint that does not match its hashes (each is read whole,
    which takes seconds a gigabyte); a newest or best checkpoint that is not uploaded where the
    config asks for it; no notes since a trial last ended. Told besides: failed, lost and killed
    trials, those that paused or stopped before their last step, and what is uploaded where. A trial
    is passed over once another continues it and has saved. Checkpoints of trials with neither
    hf_repo nor hf_bucket are on this machine alone.
    """
    question = Question.of(lab, ("audit", trial_ids, tag), since, max_tokens)
    trials = queries.selected(lab, trial_ids, tag)
    report = audit(lab, trials)
    answer = AuditAnswer(
        ready=not any(finding.blocks for finding in report.findings),
        trials=len(trials),
        checkpoints_verified=report.verified,
        findings=[
            FindingRow(trial_id=f.trial_id, finding=f.text, blocks=f.blocks)
            for f in report.findings
        ],
    )
    return question.answered(answer)


TOOL = LabTool(lab_audit, title="Gate before a stop", read_only=True, idempotent=True)
