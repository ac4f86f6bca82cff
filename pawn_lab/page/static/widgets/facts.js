/** Names with their values, one under the other. */

import { html } from "../preact.js";

/**
 * What has no value (null, false, an empty text) is left out.
 *
 * @param {{facts: [name: string, value: any][], kind?: string}} props kind: further CSS classes.
 */
export function FactList({ facts, kind = "" }) {
  return html`<dl class="facts ${kind}">
    ${facts
      .filter(([, value]) => value)
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
  </dl>`;
}
