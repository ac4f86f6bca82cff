/** Curves over training: the chart that every page draws them with. */

import { html, useMemo, useRef, useState } from "../preact.js";
import { csv, save } from "../tables/csv.js";
import { Canvas } from "./canvas.js";
import { Legend, saidAt } from "./legend.js";
import { Numbers, pointTable } from "./numbers.js";
import { picture } from "./picture.js";
import { sceneOf } from "./scene.js";
import { useZoom } from "./zoom.js";

/**
 * @typedef {import("./scene.js").Curve} Curve
 * @typedef {import("./scene.js").Group} Group
 * @typedef {import("./scene.js").Band} Band
 * @typedef {import("./scene.js").Mark} Mark
 * @typedef {import("./scene.js").Floor} Floor
 * @typedef {import("./plot.js").Zoom} Zoom
 *
 * @typedef {object} Props
 * @property {string} title
 * @property {string} [xTitle]
 * @property {Curve[]} curves
 * @property {Group[]} [groups]
 * @property {Mark[]} [marks]
 * @property {Band[]} [bands]
 * @property {Floor[]} [floors]
 * @property {boolean} [logx]
 * @property {boolean} [logy]
 * @property {number} [smooth] Weight of what was before, 0 up to below 1.
 * @property {boolean} [thin] Single seeds behind their groups.
 * @property {Zoom} [zoom]
 * @property {(zoom: Zoom) => void} [onZoom]
 * @property {string[]} [hidden]
 * @property {(labels: string[]) => void} [onHide]
 * @property {Map<string, import("./palette.js").Style>} [styles] So that a label looks alike in several charts.
 * @property {number} [height] Pixels.
 */

/** @type {any[]} */
const NONE = [];

/** @param {Props} props */
export function TimeSeries(props) {
  const {
    title,
    xTitle = "step",
    curves,
    groups = NONE,
    marks = NONE,
    bands = NONE,
    floors = NONE,
  } = props;
  const { logx = false, logy = false, smooth = 0, thin = true, styles, height = 240 } = props;
  const [zoom, onZoom] = useZoom(xTitle, props.zoom, props.onZoom);
  const [own, setOwn] = useState(/** @type {string[]} */ (NONE));
  const [hidden, onHide] = props.onHide ? [props.hidden ?? NONE, props.onHide] : [own, setOwn];
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const [numbers, setNumbers] = useState(false);
  const figure = useRef(/** @type {HTMLElement | null} */ (null));
  const scene = useMemo(
    () =>
      sceneOf(
        { curves, groups, bands, marks, floors },
        { hidden, smooth, thin, logx, logy },
        styles,
      ),
    [curves, groups, bands, marks, floors, hidden.join("\n"), smooth, thin, logx, logy, styles],
  );
  const lines = scene.named.filter((line) => !hidden.includes(line.label));
  const label = `${title} by ${xTitle}: ${scene.named.length === 1 ? "one curve" : `${scene.named.length} curves`}`;
  return html`<figure class="chart" ref=${figure}>
    <figcaption>
      <h3>${title}</h3>
      <${Reading} xTitle=${xTitle} lines=${lines} at=${at} />
      <${Tools} ...${{ title, xTitle, lines, figure, zoom, onZoom, numbers, setNumbers }} />
    </figcaption>
    ${
      scene.named.length + bands.length > 0 &&
      html`<${Canvas} ...${{ label, xTitle, scene, zoom, height, onZoom, onCursor: setAt }} />`
    }
    <${Legend} lines=${scene.named} hidden=${hidden} at=${at} onHide=${onHide} />
    ${remarks(scene, curves).map((text) => html`<p class="chart-remark" key=${text}>${text}</p>`)}
    ${numbers && html`<${Numbers} ...${{ title, xTitle, lines, marks: scene.marks }} />`}
  </figure>`;
}

/**
 * Where the cursor is; a screen reader says the values there too.
 *
 * @param {{xTitle: string, lines: import("./scene.js").Line[], at: number | null}} props
 */
function Reading({ xTitle, lines, at }) {
  const place = at === null ? "" : `${xTitle} ${Number(at.toPrecision(5)).toLocaleString("en")}`;
  return html`<span class="chart-at" role="status">
    ${place}${at !== null && html`<span class="unseen">: ${saidAt(lines, at)}</span>`}
  </span>`;
}

/**
 * What may be done with a chart: see all of x, read or save its numbers, save it as a picture.
 *
 * @param {any} props
 */
function Tools({ title, xTitle, lines, figure, zoom, onZoom, numbers, setNumbers }) {
  const name = title.replace(/[^\w.-]+/g, "_");
  const saveRows = () => {
    const { columns, rows } = pointTable(xTitle, title, lines);
    save(`${name}.csv`, csv(columns, rows), "text/csv");
  };
  const savePicture = async () => {
    const image = await picture(figure.current.querySelector("canvas"), title, lines);
    if (image) save(`${name}.png`, image, "image/png");
  };
  return html`<span class="chart-tools">
    ${zoom && html`<button type="button" onClick=${() => onZoom(null)}>all of ${xTitle}</button>`}
    <button type="button" aria-expanded=${numbers} onClick=${() => setNumbers(!numbers)}>
      numbers
    </button>
    <button type="button" onClick=${saveRows} aria-label="Save ${title} as CSV">CSV</button>
    <button type="button" onClick=${savePicture} aria-label="Save ${title} as PNG">PNG</button>
  </span>`;
}

/** @param {import("./scene.js").Scene} scene @param {Curve[]} curves @returns {string[]} */
function remarks(scene, curves) {
  const sampled = curves.filter((curve) => curve.sampled);
  if (!curves.length && !scene.named.length) return ["There are no points yet."];
  if (!sampled.length) return scene.remarks;
  const most = Math.max(...sampled.map((curve) => curve.seen ?? 0));
  return [
    ...scene.remarks,
    `Thinned from up to ${most.toLocaleString("en")} points, no spike left out; a zoom shows more.`,
  ];
}
