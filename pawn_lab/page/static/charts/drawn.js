/** The curves of trials with all that may be chosen of them; the address keeps the choices. */

import { html, useEffect } from "../preact.js";
import { useView } from "../state.js";
import { Answered } from "../widgets/status.js";
import { useChartAddress } from "./address.js";
import { useCurves } from "./curves.js";
import { ChosenMetrics, usualMetrics } from "./metrics.js";
import { Charts } from "./panels.js";
import { ChartSettings } from "./settings.js";

/**
 * @typedef {import("./metrics.js").Metrics} Metrics
 * @typedef {import("./panels.js").Settings} Settings
 */

/** Curves that are drawn at most; of more trials the groups only. */
export const MOST_DRAWN = 50;
const PAUSE_MS = 500;

/**
 * @param {object} props
 * @param {number[]} props.trials
 * @param {boolean} [props.areAll] There are no others.
 * @param {boolean} [props.everyPanel] Draw the metrics of all panels unasked, not of the first.
 */
export function CurvesOf({ trials, areAll = false, everyPanel = false }) {
  const address = useChartAddress();
  const { x, zoom, settings } = address;
  const args = areAll ? {} : { trials: trials.join(",") };
  const view = useMetrics(args);
  const chosen = address.metrics ?? (view.answer ? usualMetrics(view.answer, everyPanel) : []);
  const singles = !settings.grouped || (settings.thin && trials.length <= MOST_DRAWN);
  const { answer, error, pending } = useCurves(
    chosen.length ? { ...args, metrics: chosen.join(","), x, singles } : null,
    zoom,
  );
  return html`<${Answered} view=${view}>
    ${(/** @type {Metrics} */ metrics) => html`
      <div class="chart-choices">
        <${ChosenMetrics} metrics=${metrics} chosen=${chosen} onChange=${address.onMetrics} />
        <${ChartSettings}
          ...${address}
          settings=${declared(settings, chosen, metrics)}
          metrics=${metrics.metrics}
        />
      </div>
      ${error && html`<p class="failure" role="alert">${error.message}</p>`}
      ${
        answer &&
        html`<div aria-busy=${pending}>
          <${Charts} ...${address} answer=${answer} panels=${metrics.panels} />
        </div>`
      }
      ${answer && answer.pending.length > 0 && html`<p class="quiet" role="status">${answer.pending.length} trials are still being read.</p>`}
    `}
  <//>`;
}

/** What trials have, asked again until all of them are read. @param {{trials?: string}} args */
function useMetrics(args) {
  const view = useView("metrics", args);
  useEffect(() => {
    if (!view.answer?.pending.length) return;
    const due = setTimeout(view.again, PAUSE_MS);
    return () => clearTimeout(due);
  }, [view.answer]);
  return view;
}

/** Settings with what panels say of logarithms. @param {Settings} settings @param {string[]} names @param {Metrics} metrics */
function declared(settings, names, { panels }) {
  const logy = panels.some(
    (panel) => panel.logy && panel.metrics.some((name) => names.includes(name)),
  );
  return { ...settings, logy: settings.logy ?? logy };
}
