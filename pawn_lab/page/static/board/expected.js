/** The model's distribution over moves: a table whose shares are drawn, beside the exact law. */

import { number, percent } from "../format.js";
import { html } from "../preact.js";
import { FactList } from "../widgets/facts.js";

const FIRST = 12;
const BAR = 120;

/**
 * @typedef {{uci: string, san: string, law: number, p?: number}} Legal
 *
 * @param {object} props
 * @param {any} props.answer Of the question `position`.
 * @param {boolean} props.all Whether every move is listed.
 * @param {() => void} props.onAll
 * @param {(uci: string) => void} props.onMove
 */
export function Expected({ answer, all, onAll, onMove }) {
  const legal = /** @type {Legal[]} */ (answer.legal);
  const shown = all ? legal : legal.slice(0, FIRST);
  const most = Math.max(...legal.map(({ p, law }) => Math.max(p ?? 0, law)), 1e-9);
  return html`<div class="table-scroll">
      <table class="expectations">
        <caption class="unseen">
          Legal moves, the likeliest first
        </caption>
        <thead>
          <tr>
            <th scope="col">Move</th>
            <th scope="col">Model; the line is the law</th>
            <th scope="col" class="numeric">Model</th>
            <th scope="col" class="numeric">Law</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map((move) => html`<${Row} key=${move.uci} ...${{ move, most, onMove }} />`)}
          ${(answer.illegal ?? []).map(
            (/** @type {any} */ move) =>
              html`<${IllegalRow} key=${move.uci} ...${{ move, most }} />`,
          )}
        </tbody>
      </table>
    </div>
    ${
      legal.length > FIRST &&
      html`<button type="button" onClick=${onAll}>
        ${all ? "Show the likeliest" : `Show all ${legal.length} legal moves`}
      </button>`
    }
    <${Measures} answer=${answer} />`;
}

/** @param {{move: Legal, most: number, onMove: (uci: string) => void}} props */
function Row({ move, most, onMove }) {
  return html`<tr>
    <th scope="row">
      <button type="button" onClick=${() => onMove(move.uci)} title=${`Play ${move.uci}`}>
        ${move.san}
      </button>
    </th>
    <td aria-hidden="true"><${Share} p=${move.p ?? 0} law=${move.law} most=${most} /></td>
    <td class="numeric">${percent(move.p)}</td>
    <td class="numeric quiet">${percent(move.law)}</td>
  </tr>`;
}

/** A move that the rules forbid. @param {{move: {uci: string, p: number}, most: number}} props */
function IllegalRow({ move, most }) {
  return html`<tr class="bad">
    <th scope="row">✕ ${move.uci}</th>
    <td aria-hidden="true"><${Share} p=${move.p} law=${null} most=${most} /></td>
    <td class="numeric">${percent(move.p)}</td>
    <td>illegal</td>
  </tr>`;
}

/** @param {{p: number, law: number | null, most: number}} props */
function Share({ p, law, most }) {
  const across = (/** @type {number} */ share) => (BAR * Math.min(share, most)) / most;
  return html`<svg class="share" width=${BAR + 2} height="14">
    <rect y="2" width=${across(p)} height="10" />
    ${law !== null && html`<line x1=${across(law)} x2=${across(law)} y1="0" y2="14" />`}
  </svg>`;
}

/** What sums the position up. @param {{answer: any}} props */
function Measures({ answer }) {
  const { measures, end, value, law, why, over } = answer;
  const facts = /** @type {[string, string][]} */ ([
    ...(over ? [["game", `over: ${over}`]] : []),
    ...(measures ? measured(measures, answer) : []),
    ...(typeof end === "number" ? [["says the game is over", percent(end)]] : []),
    ...(typeof value === "number" ? [["value for the side to move", number(value)]] : []),
  ]);
  return html`<${FactList} facts=${facts} /> ${why && html`<p role="status">${why}</p>`}
    ${law.caveat && html`<p class="quiet small">The law is ${law.caveat}.</p>`}`;
}

/** @param {any} measures @param {any} answer @returns {[string, string][]} */
function measured(measures, answer) {
  const boost = answer.law.mate_boost ? `, mates boosted by ${answer.law.mate_boost}` : "";
  return [
    [
      answer.model.kind === "positions" ? "legal mass, not held to the rules" : "legal mass",
      percent(measures.legal_mass),
    ],
    ["distance to the law", `${number(measures.kl)} nats (KL)`],
    ["entropy", `${number(measures.entropy)} nats; of the law ${number(measures.law_entropy)}`],
    ["law", `random play over ${answer.legal.length} legal moves${boost}`],
  ];
}
