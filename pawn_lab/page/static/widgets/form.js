import { html } from "../preact.js";

/**
 * A labelled field; what is wrong with it stands beside it and is read with it.
 *
 * @param {{label: string, help?: string, error?: string, id: string, children: any}} props
 *   children: the control, with this id, and `aria-describedby` of `${id}-help`.
 */
export function Field({ label, help, error, id, children }) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children}
    <div id=${`${id}-help`} class=${error ? "field-error" : "field-help"}>
      ${error ?? help ?? ""}
    </div>
  </div>`;
}

/**
 * A field in which one of several is chosen.
 *
 * @param {{label: string, value: string, options: [value: string, title: string][],
 *   onChange: (value: string) => void}} props
 */
export function Choice({ label, value, options, onChange }) {
  return html`<label class="choice"
    >${label}
    <select value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
      ${options.map(
        ([each, title]) => html`<option value=${each} selected=${each === value}>${title}</option>`,
      )}
    </select>
  </label>`;
}

/**
 * A box that is ticked or not.
 *
 * @param {{label: string, checked: boolean, onChange: (checked: boolean) => void}} props
 */
export function Tick({ label, checked, onChange }) {
  return html`<label class="tick">
    <input
      type="checkbox"
      checked=${checked}
      onChange=${(/** @type {any} */ event) => onChange(event.target.checked)}
    />
    ${label}
  </label>`;
}
