/** The table of trials: sort, filter, group, choose, the columns that differ; all in the address. */

import { html, useMemo } from "../preact.js";
import { go, link, useRoute, useSource } from "../state.js";
import { Chosen, useChoosing } from "../tables/chosen.js";
import { columnsOf, tagsFirst, unasked } from "../tables/columns.js";
import { csv, save } from "../tables/csv.js";
import { parseFilter } from "../tables/filter.js";
import { BY_SETTING, grouped, ofGroups } from "../tables/groups.js";
import { useTrials } from "../tables/trials.js";
import { Badge } from "../widgets/badge.js";
import { Choice, Tick } from "../widgets/form.js";
import { Empty } from "../widgets/status.js";
import { sorted } from "../widgets/table.js";
import { Tags } from "../widgets/tags.js";
import { VirtualTable } from "../widgets/virtual.js";

/** @type {import("./index.js").PageEntry} */
export const trials = { name: "trials", title: "Trials", key: "t", Page };

/**
 * @typedef {import("../tables/columns.js").Row} Row
 * @typedef {import("../tables/columns.js").Column} Column
 * @typedef {ReturnType<typeof shownTable>} Shown
 * @typedef {ReturnType<typeof useRoute>} Route
 */

function Page() {
  const route = useRoute();
  const { params, set } = route;
  const { rows, kinds, pending, error, ready } = useTrials(params.tag);
  const { session } = useSource();
  const columns = useMemo(() => {
    const inUsualOrder = columnsOf(rows, kinds).map(drawn);
    return session?.mode === "bare" ? tagsFirst(inUsualOrder) : inUsualOrder;
  }, [rows, kinds, session]);
  const shown = useMemo(() => shownTable(rows, columns, params), [rows, columns, params]);
  const choosing = useChoosing(route);
  return html`<h1>Trials ${params.tag && html`<${Tagged} tag=${params.tag} set=${set} />`}</h1>
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${!ready && !error && html`<p class="quiet" role="status">Loading …</p>`}
    ${ready && rows.length === 0 && html`<${Empty}>No trials yet: launch one, or let an agent.<//>`}
    ${
      rows.length > 0 &&
      html`<${States} rows=${rows} state=${params.state} set=${set} />
        <${Toolbar} route=${route} columns=${columns} shown=${shown} rows=${rows} />
        <${Chosen} choosing=${choosing} shown=${shown} rows=${rows} pending=${pending} />
        <${VirtualTable}
          caption="Trials"
          columns=${shown.columns}
          rows=${shown.rows}
          sort=${params.sort ?? ""}
          onSort=${(/** @type {string} */ sort) => set({ sort }, { replace: true })}
          onOpen=${(/** @type {Row} */ row) => !row.head && go(link("trial", { id: row.id }))}
          choosing=${choosing}
        />`
    }`;
}

/**
 * What the address asks of the rows.
 *
 * @param {Row[]} rows
 * @param {Column[]} columns
 * @param {Record<string, string>} params
 */
function shownTable(rows, columns, params) {
  const { holds, problem } = parseFilter(params.q ?? "", columns);
  const states = listed(params.state);
  const kept = rows.filter(
    (row) => (states.length === 0 || states.includes(row.state)) && holds(row),
  );
  const usual = unasked(rows, columns);
  const [asked, hidden] = [listed(params.cols), listed(params.hide)];
  const isSeen = (/** @type {Column} */ { key }) =>
    !hidden.includes(key) && (usual.has(key) || asked.includes(key));
  const ordered = inOrder(kept, params.sort, columns);
  if (!params.group) {
    return { trials: ordered, rows: ordered, columns: columns.filter(isSeen), usual, problem };
  }
  const isNamed = (/** @type {Column} */ { key, setting }) =>
    setting && params.group === BY_SETTING && !asked.includes(key);
  const by = columns.find(({ key }) => key === params.group);
  const mixed = columns.map(ofGroups);
  const groups = inOrder(grouped(ordered, by, columns), params.sort, mixed);
  const open = params.open === "true";
  return {
    trials: ordered,
    rows: groups.flatMap((group) => (open ? [group, ...group.members] : [group])),
    columns: [
      groupColumn(by),
      ...mixed.filter(
        (column) => column.key !== params.group && isSeen(column) && !isNamed(column),
      ),
    ],
    usual,
    problem,
  };
}

/** @param {any[]} rows @param {string | undefined} sort @param {Column[]} columns */
function inOrder(rows, sort, columns) {
  if (!sort) return rows;
  const named = columns.find(({ key }) => key === sort.replace(/^-/, ""));
  return sorted(rows, named, sort.startsWith("-"));
}

/** The column of the groups' names. @param {Column | undefined} by @returns {Column} */
function groupColumn(by) {
  const text = (/** @type {Row} */ row) => (row.head ? row.label : "");
  return { key: "group", title: by ? by.title : "setting", value: text, text, widest: 64 };
}

/** @param {string | undefined} text */
function listed(text) {
  return text ? text.split(",") : [];
}

/** @param {Column} column */
function drawn(column) {
  return Object.hasOwn(CELLS, column.key) ? { ...column, cell: CELLS[column.key] } : column;
}

const CELLS = /** @type {Record<string, (row: Row) => any>} */ ({
  id: ({ id }) => html`<a tabindex="-1" href=${link("trial", { id: id })}>${id}</a>`,
  tags: ({ tagged }) => html`<${Tags} tags=${tagged} />`,
  state: ({ state }) => html`<${Badge} state=${state} />`,
  parent: ({ parent }) =>
    parent && html`<a tabindex="-1" href=${link("trial", { id: parent })}>${parent}</a>`,
  sweep: ({ sweep }) =>
    sweep && html`<a tabindex="-1" href=${link("sweeps", { sweep })}>${sweep}</a>`,
});

/** @param {{tag: string, set: Route["set"]}} props */
function Tagged({ tag, set }) {
  return html`<span class="small quiet">
    tagged ${tag}
    <button class="quiet" aria-label="All tags" onClick=${() => set({ tag: null })}>✕</button>
  </span>`;
}

/** How many are in each state; a press shows only those. @param {{rows: Row[], state?: string, set: Route["set"]}} props */
function States({ rows, state, set }) {
  const counts = new Map();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  const pressed = listed(state);
  const toggled = (/** @type {string} */ name) =>
    pressed.includes(name) ? pressed.filter((other) => other !== name) : [...pressed, name];
  return html`<div class="row states" role="group" aria-label="States">
    ${[...counts].map(
      ([name, count]) =>
        html`<button
          key=${name}
          class="quiet"
          aria-pressed=${pressed.includes(name)}
          onClick=${() => set({ state: toggled(name).join(",") })}
        >
          <${Badge} state=${name} /> ${count}
        </button>`,
    )}
  </div>`;
}

/** @param {{route: Route, columns: Column[], shown: Shown, rows: Row[]}} props */
function Toolbar({ route, columns, shown, rows }) {
  const { params, set } = route;
  const groups = /** @type {[string, string][]} */ ([
    ["", "nothing"],
    [BY_SETTING, "setting, seeds together"],
    ...columns.filter((column) => isGroupable(column, rows)).map(({ key, title }) => [key, title]),
  ]);
  const columnsOut = shown.columns.filter(({ key }) => key !== "group");
  return html`<div class="row toolbar">
      <label class="choice wide">
        Filter
        <input
          type="search"
          placeholder="lr<0.001 state=running muon"
          value=${params.q ?? ""}
          aria-describedby="filter-problem"
          onInput=${(/** @type {any} */ event) => set({ q: event.target.value }, { replace: true })}
        />
      </label>
      <${Choice}
        label="Group by"
        value=${params.group ?? ""}
        options=${groups}
        onChange=${(/** @type {string} */ group) => set({ group })}
      />
      ${
        params.group &&
        html`<${Tick}
          label="Members"
          checked=${params.open === "true"}
          onChange=${(/** @type {boolean} */ open) => set({ open })}
        />`
      }
      <${ColumnChooser} route=${route} columns=${columns} shown=${shown} />
      <button onClick=${() => save("trials.csv", csv(columnsOut, shown.trials))}>CSV</button>
    </div>
    <p id="filter-problem" class="field-error" role="status">${shown.problem}</p>`;
}

/** Worth grouping by: some rows share a value, and there are several. @param {Column} column @param {Row[]} rows */
function isGroupable(column, rows) {
  const values = new Set(rows.map(column.text)).size;
  const grouping =
    column.setting || ["run_type", "state", "variant", "tags", "sweep"].includes(column.key);
  return grouping && values > 1 && values < rows.length;
}

/** @param {{route: Route, columns: Column[], shown: Shown}} props */
function ColumnChooser({ route, columns, shown }) {
  const seen = new Set(shown.columns.map(({ key }) => key));
  const { params, set } = route;
  const choose = (/** @type {string} */ key, /** @type {boolean} */ show) => {
    const without = (/** @type {string | undefined} */ names) =>
      listed(names).filter((name) => name !== key);
    const [cols, hide] = [without(params.cols), without(params.hide)];
    if (show && !shown.usual.has(key)) cols.push(key);
    if (!show && shown.usual.has(key)) hide.push(key);
    set({ cols: cols.join(","), hide: hide.join(",") }, { replace: true });
  };
  return html`<details class="chooser">
    <summary>Columns</summary>
    <div class="chooser-list">
      ${columns.map(
        ({ key, title, setting }) =>
          html`<${Tick}
            key=${key}
            label=${setting ? `${title} (setting)` : title}
            checked=${seen.has(key)}
            onChange=${(/** @type {boolean} */ show) => choose(key, show)}
          />`,
      )}
    </div>
  </details>`;
}
