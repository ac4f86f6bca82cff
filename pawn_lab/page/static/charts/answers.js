/** Answers of the view `curves`: grown by new points, finer within a zoom, split into charts. */

/**
 * @typedef {import("./scene.js").Curve & {metric: string}} Curve
 * @typedef {import("./scene.js").Group & {metric: string}} Group
 * @typedef {{name: string, title: string, better: string | null}} Metric
 *
 * @typedef {object} Answer
 * @property {string} x
 * @property {Metric[]} metrics
 * @property {Curve[]} curves
 * @property {Group[]} groups
 * @property {(import("./scene.js").Mark & {metric?: string})[]} [marks] Of every metric where they name none.
 * @property {(import("./scene.js").Band & {metric: string})[]} [bands]
 * @property {(import("./scene.js").Floor & {metric: string})[]} [floors]
 * @property {string} [cursor] What the next question continues.
 * @property {boolean} [whole] False: only what came after the cursor.
 * @property {number[]} pending Trials that are not read yet.
 */

/** Columns that lie along the x of a curve or group. */
const COLUMNS = ["x", "y", "mean", "low", "high"];

/**
 * An answer with the points that came after it.
 *
 * @param {Answer | null} last
 * @param {Answer} news
 * @returns {Answer}
 */
export function merged(last, news) {
  if (!last || news.whole !== false) return news;
  const joined = (/** @type {any[]} */ old, /** @type {any[]} */ more) =>
    combined(old, more, (first, then) =>
      withColumns(then, (name) => first[name].concat(then[name])),
    );
  return {
    ...last,
    ...news,
    curves: joined(last.curves, news.curves),
    groups: joined(last.groups, news.groups),
  };
}

/**
 * An answer whose points within a part of x are those of a finer one.
 *
 * @param {Answer} whole
 * @param {Answer | null} part
 * @param {import("./plot.js").Zoom} zoom
 * @returns {Answer}
 */
export function spliced(whole, part, zoom) {
  if (!part || !zoom) return whole;
  const [low, high] = zoom;
  const finer = (/** @type {any[]} */ coarse, /** @type {any[]} */ fine) =>
    combined(coarse, fine, (old, inner) => {
      const end = Math.min(high, inner.x[inner.x.length - 1] ?? low); // newer points came since
      const [before, after] = [parts(old.x, (x) => x < low), parts(old.x, (x) => x > end)];
      const own = parts(inner.x, (x) => x >= low && x <= high);
      return withColumns(old, (name) => [
        ...before(old[name]),
        ...own(inner[name]),
        ...after(old[name]),
      ]);
    });
  return {
    ...whole,
    curves: finer(whole.curves, part.curves),
    groups: finer(whole.groups, part.groups),
  };
}

/** A choice of entries by what x is there. @param {number[]} xs @param {(x: number) => boolean} holds */
function parts(xs, holds) {
  const chosen = xs.map(holds);
  return (/** @type {any[]} */ column) => column.filter((_, i) => chosen[i]);
}

/**
 * Items of a list, each joined with that of the same name in another; what only that has comes last.
 *
 * @param {any[]} old
 * @param {any[]} more
 * @param {(first: any, then: any) => any} join
 */
function combined(old, more, join) {
  const others = new Map(more.map((item) => [nameOf(item), item]));
  const known = old.map((item) => {
    const other = others.get(nameOf(item));
    others.delete(nameOf(item));
    return other ? join(item, other) : item;
  });
  return [...known, ...others.values()];
}

/** @param {any} item A curve, or a group, which has no trial of its own. */
function nameOf(item) {
  return JSON.stringify([item.metric, item.trial ?? item.label, item.variant]);
}

/** @param {any} item @param {(name: string) => any[]} column */
function withColumns(item, column) {
  const names = COLUMNS.filter((name) => name in item);
  return { ...item, ...Object.fromEntries(names.map((name) => [name, column(name)])) };
}

/**
 * What each metric's chart draws.
 *
 * @param {Answer} answer
 */
export function chartsOf(answer) {
  return answer.metrics.map((metric) => {
    const own = (/** @type {any[] | undefined} */ items) =>
      (items ?? []).filter((item) => item.metric === undefined || item.metric === metric.name);
    return {
      metric,
      curves: own(answer.curves),
      groups: own(answer.groups),
      marks: own(answer.marks),
      bands: own(answer.bands),
      floors: own(answer.floors),
    };
  });
}

/**
 * All labels that charts of an answer have, groups first: whatever is drawn, a label keeps its style.
 *
 * @param {Answer} answer
 */
export function labelsOf(answer) {
  const grouped = new Set(answer.groups.map((group) => group.label));
  const alone = answer.curves.filter((curve) => !grouped.has(curve.group ?? ""));
  return [...new Set([...grouped, ...alone.map((curve) => curve.label)])];
}
