/** The trials that are chosen in the table, and what can be done with them. */

import { useCall } from "../acting/call.js";
import { html, useEffect, useMemo, useState } from "../preact.js";
import { link, useSource } from "../state.js";

/**
 * @typedef {import("./columns.js").Row} Row
 * @typedef {{params: Record<string, string>, set: (patch: Record<string, string>, how?: {replace?: boolean}) => void}} Route
 * @typedef {{trials: Row[]}} Shown
 */

/** Which trials are chosen; a group is when all its members are. @param {Route} route */
export function useChoosing({ params, set }) {
  return useMemo(() => {
    const ids = new Set((params.trials ? params.trials.split(",") : []).map(Number));
    const own = (/** @type {any} */ row) =>
      (row.head ? row.members : [row]).map((/** @type {Row} */ { id }) => id);
    const has = (/** @type {any} */ row) =>
      own(row).every((/** @type {number} */ id) => ids.has(id));
    const choose = (/** @type {Set<number>} */ chosen) =>
      set({ trials: [...chosen].sort((a, b) => a - b).join(",") }, { replace: true });
    const toggle = (/** @type {any} */ row) => {
      const chosen = new Set(ids);
      const change = has(row) ? "delete" : "add";
      own(row).forEach((/** @type {number} */ id) => chosen[change](id));
      choose(chosen);
    };
    return { ids, has, toggle, choose };
  }, [params.trials]);
}

/**
 * How many are shown, and what can be done with the chosen ones.
 *
 * @param {{choosing: ReturnType<typeof useChoosing>, shown: Shown, rows: Row[], pending: number}} props
 */
export function Chosen({ choosing, shown, rows, pending }) {
  const ids = [...choosing.ids].join(",");
  const all = () => choosing.choose(new Set(shown.trials.map(({ id }) => id)));
  return html`<div class="row" role="group" aria-label="Chosen trials">
    <span class="small quiet" role="status">${counted(shown, rows, pending)}</span>
    <button class="quiet" onClick=${all}>Choose all shown</button>
    ${
      ids &&
      html`<strong>${choosing.ids.size} chosen</strong>
        <a href=${link("curves", { trials: ids })}>Curves</a>
        <a href=${link("compare", { trials: ids })}>Compare</a>
        <button class="quiet" onClick=${() => choosing.choose(new Set())}>Clear</button>
        <${Tagging} ids=${[...choosing.ids]} />`
    }
  </div>`;
}

/** Gives the chosen trials a tag. @param {{ids: number[]}} props */
function Tagging({ ids }) {
  const { can } = useSource();
  const [tag, setTag] = useState("");
  const call = useCall();
  useEffect(() => {
    if (call.answer) setTag("");
  }, [call.answer]);
  if (!can.control) return null;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    call.send("lab_tag", { trial_ids: ids, add: [tag.trim()] });
  };
  return html`<form class="row" onSubmit=${send}>
    <label class="choice">
      Tag them
      <input
        size="12"
        required
        value=${tag}
        onInput=${(/** @type {any} */ event) => setTag(event.target.value)}
      />
    </label>
    <button disabled=${call.pending}>Add</button>
    ${call.error && html`<span class="failure" role="alert">${call.error}</span>`}
  </form>`;
}

/** @param {Shown} shown @param {Row[]} rows @param {number} pending */
function counted(shown, rows, pending) {
  const n = (/** @type {number} */ count) => count.toLocaleString("en");
  const part = shown.trials.length === rows.length ? "" : `${n(shown.trials.length)} of `;
  const later = pending ? `; results of ${n(pending)} are still being read` : "";
  return `${part}${n(rows.length)} row${rows.length === 1 ? "" : "s"}${later}`;
}
