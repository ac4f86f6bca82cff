/** What the model makes of a whole game, ply by ply. */

import { TimeSeries } from "../charts/timeseries.js";
import { html, useMemo } from "../preact.js";
import { Answered } from "../widgets/status.js";

/**
 * @param {object} props
 * @param {import("./asking.js").Answer} props.view Of the question `curve`.
 * @param {number} props.ply Where the board stands.
 */
export function GameCurves({ view, ply }) {
  return html`<${Answered} view=${view}>
    ${(/** @type {any} */ answer) => html`<${Curves} answer=${answer} ply=${ply} />`}
  <//>`;
}

/** @param {{answer: any, ply: number}} props */
function Curves({ answer, ply }) {
  const [shares, distance] = useMemo(
    () => [
      [
        curve("legal mass", answer.legal_mass),
        curve("the move played", answer.p),
        curve("the move played, by the law", answer.law),
      ],
      [curve("KL from the law", answer.kl)],
    ],
    [answer],
  );
  const marks = useMemo(() => [{ x: ply, kind: "board", text: `the board, ply ${ply}` }], [ply]);
  if (!answer.plies) return html`<p class="empty">There is no move yet.</p>`;
  return html`<div class="grid">
    <${TimeSeries} title="Probability" xTitle="ply" curves=${shares} marks=${marks} />
    <${TimeSeries}
      title="Distance to the law, nats"
      xTitle="ply"
      curves=${distance}
      marks=${marks}
    />
  </div>`;
}

/** @param {string} label @param {(number | null)[]} y */
function curve(label, y) {
  const x = y.map((_, ply) => ply);
  return { label, group: "", trial: 0, variant: "", x, y, seen: y.length, sampled: false };
}
