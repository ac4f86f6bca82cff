import { html } from "../preact.js";
import { link } from "../state.js";

const TRIALS = /(\btrials? \d+(?:(?:, | and )\d+)*|\btrial(?:_id)?[=:]\d+)/i;

/**
 * Text of the lab in which the trials that it names are links.
 *
 * @param {{text: string | null | undefined}} props
 */
export function Linked({ text }) {
  return html`${(text ?? "").split(TRIALS).map((part, i) => (i % 2 ? numbersLinked(part) : part))}`;
}

/** @param {string} part Such as `trials 3, 4`. */
function numbersLinked(part) {
  return part
    .split(/(\d+)/)
    .map((piece, i) =>
      i % 2 ? html`<a href=${link("trial", { id: piece })}>${piece}</a>` : piece,
    );
}
