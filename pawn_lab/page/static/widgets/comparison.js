/** What `lab_compare` and `lab_diff` answer, for people. */

import { Bars } from "../charts/bars.js";
import { number } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { settingText } from "../tables/columns.js";
import { rowsOfTable } from "../tables/tool.js";
import { Table } from "./table.js";

/** A shape for each verdict, so that colour never stands alone. */
const VERDICTS = /** @type {Record<string, [shape: string, style: string]>} */ ({
  better: ["▲", "good"],
  worse: ["▼", "bad"],
  indistinguishable: ["≈", "quiet"],
  "not comparable": ["∅", "warn"],
});

/**
 * The verdict, the groups with their intervals, the notes.
 *
 * @param {{answer: any, onReference?: (trial: number) => void}} props answer: as `lab_compare` sends it.
 */
export function Comparison({ answer, onReference }) {
  const groups = rowsOfTable(answer.groups);
  return html`<section aria-label="Comparison" class="stack">
    <p class="verdict" role="status">
      ${answer.headline ?? "Nothing to compare: name trials of two settings."}
    </p>
    <p class="small quiet">${measuredAt(answer)}</p>
    ${groups.length > 1 && html`<${Intervals} answer=${answer} groups=${groups} />`}
    ${
      groups.length > 0 &&
      html`<${Table}
        caption="Groups"
        columns=${groupColumns(answer, groups, onReference)}
        rows=${groups}
      />`
    }
    <${Notes} notes=${answer.notes} />
    ${answer.left_out && html`<p class="small warn">Left out: ${answer.left_out}</p>`}
  </section>`;
}

/** @param {any} answer */
function measuredAt({ metric, at, position, reaching }) {
  if (typeof reaching === "number")
    return `What it took to reach ${metric} ${number(reaching)}, in ${at}`;
  return typeof position === "number" ? `${metric} at ${at} ${number(position)}` : metric;
}

/** Each group's difference from the reference. @param {{answer: any, groups: Record<string, any>[]}} props */
function Intervals({ answer, groups }) {
  const ratios = groups.some((row) => typeof row.ratio === "number");
  const others = groups.filter((row) => typeof (row.ratio ?? row.difference) === "number");
  if (others.length === 0) return null;
  const reference = groups.find((row) => row.reference)?.setting ?? "the reference";
  const bars = others.map((row) => ({
    label: row.setting,
    value: row.ratio ?? row.difference,
    low: row.interval_low,
    high: row.interval_high,
    note: verdictText(row),
  }));
  const title = ratios
    ? `Cost over that of ${reference}`
    : `${answer.metric} less that of ${reference}`;
  const line = ratios ? { label: "as much", value: 1 } : { label: "no difference", value: 0 };
  return html`<div class="table-scroll">
    <${Bars} title=${title} bars=${bars} zero=${!ratios} reference=${line} />
  </div>`;
}

/** @param {Record<string, any>} row */
function verdictText({ verdict, why }) {
  const shape = VERDICTS[verdict]?.[0] ?? "";
  return [`${shape} ${verdict ?? ""}`.trim(), why].filter(Boolean).join(": ");
}

/**
 * @param {any} answer
 * @param {Record<string, any>[]} groups
 * @param {((trial: number) => void) | undefined} onReference
 */
function groupColumns(answer, groups, onReference) {
  const has = (/** @type {string} */ key) =>
    groups.some((row) => row[key] !== null && row[key] !== undefined);
  const reaching = answer.reaching !== undefined;
  return [
    { key: "setting", title: "setting" },
    { key: "trial_ids", title: "trials", cell: trialLinks },
    { key: "mean", title: reaching ? `mean ${answer.at}` : `mean ${answer.metric}`, numeric: true },
    { key: "sd", title: "sd", numeric: true },
    { key: "verdict", title: "verdict", cell: Verdict },
    { key: "difference", title: "difference", numeric: true },
    { key: "ratio", title: "ratio", numeric: true },
    { key: "interval_low", title: "95 % interval", numeric: true, cell: interval },
    { key: "paired", title: "paired by seed", cell: (/** @type {any} */ row) => yesNo(row.paired) },
    { key: "needs_seeds", title: "more seeds needed", numeric: true },
    { key: "why", title: "why" },
    ...(onReference
      ? [{ key: "reference", title: "reference", cell: referenceButton(onReference) }]
      : []),
  ].filter(({ key }) => key === "reference" || has(key));
}

/** @param {Record<string, any>} row */
function trialLinks({ trial_ids }) {
  return trial_ids.map(
    (/** @type {number} */ id, /** @type {number} */ n) =>
      html`${n > 0 && ", "}<a href=${link("trial", { id })}>${id}</a>`,
  );
}

/** @param {Record<string, any>} row */
function Verdict({ verdict, reference }) {
  if (reference) return html`<span class="quiet">reference</span>`;
  const [shape, style] = VERDICTS[verdict] ?? ["", ""];
  return html`<span class=${style}><span aria-hidden="true">${shape}</span> ${verdict}</span>`;
}

/** @param {Record<string, any>} row */
function interval({ interval_low: low, interval_high: high }) {
  return typeof low === "number" ? `${number(low)} to ${number(high)}` : "";
}

/** @param {boolean | null | undefined} value */
function yesNo(value) {
  return value === null || value === undefined ? "" : value ? "yes" : "no";
}

/** @param {(trial: number) => void} onReference */
function referenceButton(onReference) {
  return (/** @type {Record<string, any>} */ row) =>
    !row.reference &&
    html`<button class="quiet" onClick=${() => onReference(row.trial_ids[0])}>
      compare with this
    </button>`;
}

/** @param {{notes?: string[]}} props */
function Notes({ notes }) {
  return notes?.length
    ? html`<ul class="small">
        ${notes.map((note) => html`<li>${note}</li>`)}
      </ul>`
    : null;
}

/** In what two trials differ. @param {{answer: any}} props answer: as `lab_diff` sends it. */
export function Difference({ answer }) {
  const { a, b } = answer;
  const facts = ["training_games", "validation_games", "learned_from", "measured_on"]
    .filter((name) => answer[name])
    .map((name) => `${name.replace("_", " ")}: ${answer[name]}`);
  return html`<section class="stack" aria-label=${`Trials ${a} and ${b}`}>
    <${Pairs} title="Settings" a=${a} b=${b} pairs=${answer.settings} none="no setting differs" />
    <${Pairs} title="Where and when" a=${a} b=${b} pairs=${answer.incidental} />
    <${Pairs} title="Provenance" a=${a} b=${b} pairs=${answer.provenance} />
    ${facts.length > 0 && html`<p class="small">${facts.join(" · ")}</p>`}
    <${Table}
      caption="Results"
      columns=${resultColumns(a, b)}
      rows=${rowsOfTable(answer.results)}
    />
    <${Notes} notes=${answer.notes} />
  </section>`;
}

/** @param {{title: string, a: number, b: number, pairs?: Record<string, any[]>, none?: string}} props */
function Pairs({ title, a, b, pairs, none }) {
  const rows = Object.entries(pairs ?? {}).map(([field, both]) => ({
    field,
    a: told(both[0]),
    b: told(both[1]),
  }));
  if (rows.length === 0) return none ? html`<p class="quiet">${none}</p>` : null;
  const columns = [
    { key: "field", title },
    { key: "a", title: `trial ${a}` },
    { key: "b", title: `trial ${b}` },
  ];
  return html`<${Table} caption=${title} columns=${columns} rows=${rows} />`;
}

/** @param {unknown} value */
function told(value) {
  return value === null || value === undefined ? "–" : settingText(value);
}

/** @param {number} a @param {number} b */
function resultColumns(a, b) {
  return [
    { key: "metric", title: "metric" },
    { key: "model", title: "model" },
    { key: "step", title: "at", numeric: true },
    { key: "a", title: `trial ${a}`, numeric: true },
    { key: "b", title: `trial ${b}`, numeric: true },
    { key: "difference", title: "difference", numeric: true },
  ];
}
