import { html, useState } from "../preact.js";
import { Copy } from "../widgets/copy.js";
import { Tick } from "../widgets/form.js";

/** The config as it runs: what was chosen first, all of it on request. @param {{trial: any}} props */
export function Config({ trial }) {
  const [all, setAll] = useState(false);
  const [sought, setSought] = useState("");
  const chosen = trial.config.filter((/** @type {any} */ field) => field.chosen);
  const listed = (all ? trial.config : chosen).filter((/** @type {any} */ field) =>
    field.name.includes(sought.trim()),
  );
  const whole = Object.fromEntries(
    trial.config.map((/** @type {any} */ { name, value }) => [name, value]),
  );
  return html`<section class="card">
    <div class="row">
      <h2>Config · ${chosen.length} of ${trial.config.length} were chosen</h2>
      <${Copy} text=${JSON.stringify(whole, null, 2)}>Copy as JSON<//>
    </div>
    <p class="row">
      <${Tick} label="all fields" checked=${all} onChange=${setAll} />
      <label class="choice"
        >find
        <input
          type="search"
          value=${sought}
          onInput=${(/** @type {any} */ event) => setSought(event.target.value)}
        />
      </label>
    </p>
    <dl class="facts config">
      ${listed.map((/** @type {any} */ field) => html`<${Setting} key=${field.name} field=${field} />`)}
    </dl>
  </section>`;
}

/** @param {{field: any}} props */
function Setting({ field }) {
  return html`<dt title=${field.about} class=${field.chosen ? "chosen" : ""}>${field.name}</dt>
    <dd>
      <span class="mono">${textOf(field.value)}</span>
      ${field.chosen && field.default !== null && html`<span class="quiet small"> default ${textOf(field.default)}</span>`}
      ${field.no_effect && html`<span class="warn small"> ⚠ no effect: ${field.no_effect}</span>`}
    </dd>`;
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
