/** Comparison of trials: the verdict of `lab_compare`, and in what two of them differ. */

import { CurvesOf } from "../charts/drawn.js";
import { html } from "../preact.js";
import { link, useRoute } from "../state.js";
import { rowsOfTable, useTool } from "../tables/tool.js";
import { Comparison, Difference } from "../widgets/comparison.js";
import { Choice } from "../widgets/form.js";
import { Answered, Empty } from "../widgets/status.js";

/** @type {import("./index.js").PageEntry} */
export const compare = { name: "compare", title: "Compare", key: "m", Page };

/** @typedef {ReturnType<typeof useRoute>} Route */

const MOST_TOKENS = 20_000;
const AXES = /** @type {[string, string][]} */ ([
  ["step", "step"],
  ["tokens", "tokens"],
  ["hours", "device-hours"],
  ["cost", "cost"],
]);

function Page() {
  const route = useRoute();
  const { params, set } = route;
  const named = params.tag || !params.trials ? null : params.trials.split(",").map(Number);
  const view = useTool("lab_compare", asked(params), named);
  return html`<h1>Compare</h1>
    <${Questions} route=${route} />
    ${
      asked(params) === null
        ? html`<${Empty}>
            Name trials or a tag, or <a href=${link("trials")}>choose some in the table</a>.
          <//>`
        : html`<${Answered} view=${view}>
            ${(/** @type {any} */ answer) =>
              html`<${Comparison}
                  answer=${answer}
                  onReference=${(/** @type {number} */ reference) => set({ reference })}
                />
                <h2>Curves</h2>
                <${CurvesOf} trials=${trialsOf(answer)} />
                <${Pair} route=${route} groups=${rowsOfTable(answer.groups)} />`}
          <//>`
    }`;
}

/** The arguments of `lab_compare`, of several metrics the first; null where nothing is named. @param {Record<string, string>} params */
function asked({ trials, tag, metric, x, reaching, factor, reference }) {
  if (!trials && !tag) return null;
  const given = {
    trial_ids: trials?.split(",").map(Number),
    tag,
    metric: metric?.split(",")[0],
    at: AXES.some(([axis]) => axis === x) ? x : "step",
    reaching: reaching ? Number(reaching) : undefined,
    factor,
    reference: reference ? Number(reference) : undefined,
    max_tokens: MOST_TOKENS,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** @param {any} answer @returns {number[]} */
function trialsOf(answer) {
  return [...new Set(rowsOfTable(answer.groups).flatMap((row) => row.trial_ids))];
}

/** What is compared; each field goes into the address once it is left. @param {{route: Route}} props */
function Questions({ route: { params, set } }) {
  const ask = (/** @type {Record<string, string>} */ change) =>
    set({ ...change, reference: null, a: null, b: null }); // they may be of other trials
  const field = (
    /** @type {string} */ name,
    /** @type {string} */ title,
    /** @type {string} */ hint,
  ) =>
    html`<label class="choice"
      >${title}
      <input
        size=${Math.max(8, hint.length)}
        placeholder=${hint}
        value=${params[name] ?? ""}
        onChange=${(/** @type {any} */ event) => ask({ [name]: event.target.value.trim() })}
      />
    </label>`;
  return html`<div class="row toolbar" role="group" aria-label="What is compared">
    ${field("trials", "Trials", "1,2,5")} ${field("tag", "Tag", "")}
    ${field("metric", "Metric", "val_loss")}
    <${Choice}
      label="At equal"
      value=${params.x ?? "step"}
      options=${AXES}
      onChange=${(/** @type {string} */ x) => set({ x })}
    />
    ${field("reaching", "Reaching", "3.1")} ${field("factor", "May differ", "lr,optimizer")}
  </div>`;
}

/** @param {{route: Route, groups: Record<string, any>[]}} props */
function Pair({ route: { params, set }, groups }) {
  const ids = groups.flatMap((row) => row.trial_ids);
  const firsts = groups.map((row) => row.trial_ids[0]);
  const a = Number(params.a) || firsts[0];
  const b = Number(params.b) || firsts.find((id) => id !== a) || ids.find((id) => id !== a);
  const both = a && b && a !== b ? { a, b, max_tokens: MOST_TOKENS } : null;
  const view = useTool("lab_diff", both, [a, b]);
  if (ids.length < 2) return null;
  const options = groups.flatMap((row) =>
    row.trial_ids.map((/** @type {number} */ id) => [String(id), `${id}: ${row.setting}`]),
  );
  return html`<h2>What differs between two of them</h2>
    <div class="row toolbar">
      <${Choice}
        label="Trial"
        value=${String(a)}
        options=${options}
        onChange=${(/** @type {string} */ id) => set({ a: id })}
      />
      <${Choice}
        label="and"
        value=${String(b)}
        options=${options}
        onChange=${(/** @type {string} */ id) => set({ b: id })}
      />
    </div>
    ${
      a === b
        ? html`<p class="quiet">Choose two trials.</p>`
        : html`<${Answered} view=${view}
            >${(/** @type {any} */ answer) => html`<${Difference} answer=${answer} />`}<//
          >`
    }`;
}
