import { html } from "../preact.js";
import { useTool } from "../tables/tool.js";
import { Answer } from "../widgets/answer.js";
import { Plan } from "./plan.js";

const ASIDE = ["created", "cost", "config"];

/** What was asked for by whom, and what it would take. @param {{trial: {id: number}}} props */
export function Asked({ trial }) {
  const { answer, error } = useTool("lab_status", { trial_id: trial.id });
  const detail = answer?.detail;
  const asked = detail && !detail.parent ? { config: detail.config, dry_run: true } : null;
  const planned = useTool("lab_launch", asked).answer;
  if (error) return html`<p class="failure">${error.message}</p>`;
  if (!detail) return html`<p class="quiet">Loading …</p>`;
  return html`<div>
    <${Answer} answer=${detail} without=${planned?.plan ? ASIDE : ASIDE.slice(0, 2)} />
    ${planned?.plan && html`<${Plan} plan=${withoutItself(planned.plan, trial.id)} />`}
  </div>`;
}

/** A dry run of what is queued already finds it. @param {any} plan @param {number} own */
function withoutItself(plan, own) {
  const others = (plan.duplicates ?? []).filter((/** @type {number} */ id) => id !== own);
  const nearest = (plan.nearest ?? []).filter((/** @type {any} */ row) => row.trial_id !== own);
  return {
    ...plan,
    duplicates: others.length ? others : null,
    nearest: nearest.length ? nearest : null,
  };
}
