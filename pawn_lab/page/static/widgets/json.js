import { html } from "../preact.js";

/** Any value as it is in a file; long ones are folded. @param {{value: unknown, label?: string}} props */
export function Json({ value, label }) {
  const text = JSON.stringify(value, null, 1);
  const block = html`<pre class="json">${text}</pre>`;
  if (text.length < 600 && !label) return block;
  return html`<details>
    <summary>${label ?? `${text.length.toLocaleString("en")} characters`}</summary>
    ${block}
  </details>`;
}
