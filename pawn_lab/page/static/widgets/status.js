import { html } from "../preact.js";

/**
 * What stands where an answer is not there yet, or will not come.
 *
 * @param {{view: {answer: any, error: Error | null}, children: (answer: any) => any}} props
 */
export function Answered({ view, children }) {
  const { answer, error } = view;
  return html`
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${answer ? children(answer) : !error && html`<p class="quiet" role="status">Loading …</p>`}
  `;
}

/** Says that there is nothing, and what would put something there. @param {{children?: any}} props */
export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}
