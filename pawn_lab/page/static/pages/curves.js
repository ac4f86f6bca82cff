/** Curves of any metrics of any trials. */

import { settingsOf } from "../charts/address.js";
import { CurvesOf, MOST_DRAWN } from "../charts/drawn.js";
import { html, useMemo } from "../preact.js";
import { useRoute } from "../state.js";
import { columnsOf } from "../tables/columns.js";
import { parseFilter } from "../tables/filter.js";
import { useTrials } from "../tables/trials.js";
import { Copy } from "../widgets/copy.js";
import { Choice } from "../widgets/form.js";
import { Empty } from "../widgets/status.js";

/**
 * @typedef {import("../tables/columns.js").Row} Row
 * @typedef {ReturnType<typeof useRoute>} Route
 */

/** @type {import("./index.js").PageEntry} */
export const curves = { name: "curves", title: "Curves", key: "c", Page };

const MOST_LISTED = 200;

function Page() {
  const route = useRoute();
  const { params } = route;
  const { rows, kinds, ready, error } = useTrials(undefined);
  const columns = useMemo(() => columnsOf(rows, kinds), [rows, kinds]);
  const filter = useMemo(() => parseFilter(params.q ?? "", columns), [params.q, columns]);
  const found = useMemo(
    () => idsOf(rows.filter((row) => isTagged(row, params.tag) && filter.holds(row))),
    [rows, filter, params.tag],
  );
  const isNarrowed = params.q || params.tag || params.every;
  const usual = useMemo(() => (isNarrowed ? found : newestGroups(rows)), [isNarrowed, found, rows]);
  const chosen = params.trials ? numbers(params.trials) : usual;
  const drawn = settingsOf(params).grouped ? chosen : chosen.slice(0, MOST_DRAWN);
  return html`<h1>Curves</h1>
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    <${ChosenTrials} ...${{ route, rows, found, chosen, problem: filter.problem }} />
    ${ready && !chosen.length && html`<${Empty}>${rows.length ? "No trial is found: change the filter." : "There are no trials yet."}<//>`}
    ${!params.trials && usual.length < found.length && html`<${NotAll} drawn=${usual} of=${found.length} onAll=${() => route.set({ every: true })} />`}
    ${drawn.length < chosen.length && html`<p class="quiet">${`Of ${chosen.length} trials the ${MOST_DRAWN} newest are drawn: ${ranges(drawn)}. Groups of seeds show all.`}</p>`}
    ${drawn.length > 0 && html`<${CurvesOf} trials=${drawn} areAll=${drawn.length === idsOf(rows).length} />`}`;
}

/**
 * Says that older trials are not drawn unless they are asked for.
 *
 * @param {{drawn: number[], of: number, onAll: () => void}} props
 */
function NotAll({ drawn, of, onAll }) {
  return html`<p class="quiet">
    ${`Of ${of} trials those of the newest settings are drawn: ${ranges(drawn)}. `}
    <button type="button" onClick=${onAll}>draw all</button>
  </p>`;
}

/**
 * Which trials are drawn: those a filter finds, or those that are ticked.
 *
 * @param {{route: Route, rows: Row[], found: number[], chosen: number[], problem: string | null}} props
 */
function ChosenTrials({ route, rows, found, chosen, problem }) {
  const [own, all] = [new Set(chosen), new Set([...found, ...chosen])];
  const ticked = (/** @type {number} */ id) =>
    route.set({
      trials: (own.has(id) ? chosen.filter((other) => other !== id) : [...chosen, id]).join(","),
    });
  return html`<div class="curves-trials">
    <${Filter} route=${route} rows=${rows} problem=${problem} />
    <details>
      <summary>${chosen.length} of ${idsOf(rows).length} trials</summary>
      <${TrialTicks} rows=${rows.filter((row) => all.has(row.id))} chosen=${own} onTick=${ticked} />
    </details>
  </div>`;
}

/** @param {{route: Route, rows: Row[], problem: string | null}} props */
function Filter({ route: { params, set }, rows, problem }) {
  const tags = [...new Set(rows.flatMap((row) => row.tagged))].sort();
  const filtered = (/** @type {Record<string, string>} */ patch) =>
    set({ ...patch, trials: null }, { replace: true });
  return html`<div class="row">
      <label class="choice">
        trials
        <input
          type="search"
          placeholder="all; or: tag, run_type=eval, lr<0.001"
          value=${params.q ?? ""}
          aria-invalid=${problem !== null}
          onInput=${(/** @type {any} */ event) => filtered({ q: event.target.value })}
        />
      </label>
      ${
        tags.length > 0 &&
        html`<${Choice}
          label="tag"
          value=${params.tag ?? ""}
          options=${[["", "any"], ...tags.map((tag) => [tag, tag])]}
          onChange=${(/** @type {string} */ tag) => filtered({ tag })}
        />`
      }
      ${params.trials && html`<button type="button" onClick=${() => set({ trials: null })}>all that the filter finds</button>`}
      <${Copy} text=${location.href}>Copy link<//>
    </div>
    ${problem && html`<p class="failure" role="alert">${problem}</p>`}`;
}

/** @param {{rows: Row[], chosen: Set<number>, onTick: (id: number) => void}} props */
function TrialTicks({ rows, chosen, onTick }) {
  const byId = [...new Map(rows.map((row) => [row.id, row])).values()].sort((a, b) => b.id - a.id);
  const tick = (/** @type {Row} */ row) =>
    html`<li key=${row.id}>
      <label class="tick">
        <input type="checkbox" checked=${chosen.has(row.id)} onChange=${() => onTick(row.id)} />
        ${[row.id, row.run_type, row.state, row.tags].filter(Boolean).join(" · ")}
      </label>
    </li>`;
  return html`<ul class="curves-ticks">
      ${byId.slice(0, MOST_LISTED).map(tick)}
    </ul>
    ${byId.length > MOST_LISTED && html`<p class="quiet">${byId.length - MOST_LISTED} older ones are not listed: filter for them.</p>`}`;
}

/**
 * The newest trials with all others of their settings: a mean is of all its seeds.
 *
 * @param {Row[]} rows
 * @returns {number[]} Newest first; at least `MOST_DRAWN`, or all.
 */
function newestGroups(rows) {
  /** @type {Map<unknown, number[]>} */
  const members = new Map();
  for (const row of rows) members.set(row.group, [...(members.get(row.group) ?? []), row.id]);
  /** @type {Set<number>} */
  const ids = new Set();
  for (const row of [...rows].sort((a, b) => b.id - a.id)) {
    if (ids.size >= MOST_DRAWN) break;
    for (const id of members.get(row.group) ?? []) ids.add(id);
  }
  return [...ids].sort((a, b) => b - a);
}

/** @param {Row[]} rows @returns {number[]} Newest first. */
function idsOf(rows) {
  return [...new Set(rows.map((row) => row.id))].sort((a, b) => b - a);
}

/** Numbers as text, those in a row by their ends. @param {number[]} ids Newest first. */
function ranges(ids) {
  const starts = ids.map((_, i) => i).filter((i) => i === 0 || ids[i - 1] !== ids[i] + 1);
  const parts = starts.map((first, k) => [ids[first], ids[(starts[k + 1] ?? ids.length) - 1]]);
  return parts.map(([high, low]) => (high === low ? high : `${low} to ${high}`)).join(", ");
}

/** @param {Row} row @param {string | undefined} tag */
function isTagged(row, tag) {
  return !tag || row.tagged.includes(tag);
}

/** @param {string} text @returns {number[]} */
function numbers(text) {
  return text.split(",").map(Number).filter(Number.isInteger);
}
