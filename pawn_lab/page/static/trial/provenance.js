import { html } from "../preact.js";

const HASH = /^[0-9a-f]{32,}$/;

/** By which code, packages and machine a trial's numbers came. @param {{provenance: any}} props */
export function Provenance({ provenance }) {
  if (!provenance) return null;
  return html`<section class="card">
    <h2>Provenance</h2>
    <dl class="facts small">
      ${Object.entries(provenance).map(
        ([name, value]) =>
          html`<dt>${name.replaceAll("_", " ")}</dt>
            <dd>${textOf(value)}</dd>`,
      )}
    </dl>
  </section>`;
}

/** @param {unknown} value @returns {any} */
function textOf(value) {
  if (value === null || value === "") return html`<span class="quiet">none</span>`;
  if (typeof value === "string" && HASH.test(value))
    return html`<span class="mono" title=${value}>${value.slice(0, 12)}</span>`;
  if (typeof value !== "object") return String(value);
  const parts = Object.entries(/** @type {object} */ (value)).map(
    ([name, item]) => `${name} ${item}`,
  );
  return parts.join(", ") || html`<span class="quiet">none</span>`;
}
