import { duration, money, number, percent } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { rowsOfTable } from "../tables/tool.js";
import { Holds, TrialActions } from "../widgets/actions.js";
import { Answer, words } from "../widgets/answer.js";
import { Badge } from "../widgets/badge.js";
import { FactList } from "../widgets/facts.js";
import { Table } from "../widgets/table.js";

/** @typedef {Record<string, any>} Row */

const OWN = ["trial_id", "tags", "device", "of", "eta_s", "health", "temperature_c", "data_wait"];

/** The lab as `lab_status` tells it, with what a person may decide. @param {{answer: any}} props */
export function Status({ answer }) {
  const [running, waiting, ended] = [answer.running, answer.waiting, answer.ended].map(rowsOfTable);
  const holds = waiting.filter((row) => row.on_hold).map(trialOf);
  const queue = waiting.filter((row) => !row.on_hold);
  return html`
    <p class="verdict">${answer.headline}</p>
    <${Holds} trials=${holds} />
    ${running.length > 0 && html`<${Running} rows=${running} />`}
    ${queue.length > 0 && html`<${Queue} rows=${queue} common=${answer.waits_for} />`}
    ${ended.length > 0 && html`<${Ended} rows=${ended} />`}
    ${answer.detail && html`<section class="card"><${Answer} answer=${answer.detail} /></section>`}
    <${Machine} answer=${answer} />
  `;
}

/** @param {Row} row */
function trialOf({ trial_id: id, tags, on_hold, state = "queued" }) {
  return { id, tags, on_hold: on_hold === true, state };
}

/** @param {Row} row */
function trialLink({ trial_id: id, tags = [] }) {
  return html`<a href=${link("trial", { id })}>${id}</a
    ><span class="quiet"> ${tags.join(", ")}</span>`;
}

/** @param {{rows: Row[]}} props */
function Running({ rows }) {
  const numbers = Object.keys(rows[0]).filter(
    (name) => !OWN.includes(name) && rows.some((row) => typeof row[name] === "number"),
  );
  const columns = [
    { key: "trial_id", title: "trial", cell: trialLink },
    ...numbers.map((key) => ({
      key,
      title: words(key),
      numeric: true,
      cell: (/** @type {Row} */ row) => number(row[key]),
    })),
    { key: "of", title: "of", numeric: true },
    {
      key: "eta_s",
      title: "ends in",
      numeric: true,
      cell: (/** @type {Row} */ row) => duration(row.eta_s),
    },
    { key: "health", title: "health" },
    {
      key: "act",
      title: "",
      cell: (/** @type {Row} */ row) =>
        html`<${TrialActions}
          trial=${trialOf({ ...row, state: "running" })}
          only=${["lab_kill"]}
        />`,
    },
  ];
  return html`<h2>Running</h2>
    <${Table} caption="Running trials" columns=${columns} rows=${rows} />`;
}

/** @param {{rows: Row[], common?: string}} props */
function Queue({ rows, common }) {
  const columns = [
    { key: "trial_id", title: "trial", cell: trialLink },
    { key: "why", title: "waits for", cell: (/** @type {Row} */ row) => row.why ?? common },
    {
      key: "act",
      title: "",
      cell: (/** @type {Row} */ row) =>
        html`<${TrialActions} trial=${trialOf(row)} only=${["lab_kill"]} />`,
    },
  ];
  return html`<h2>Queue</h2>
    <${Table} caption="Queued trials" columns=${columns} rows=${rows} />`;
}

/** @param {{rows: Row[]}} props */
function Ended({ rows }) {
  const columns = [
    { key: "trial_id", title: "trial", cell: trialLink },
    { key: "state", title: "state", cell: Badge },
    { key: "step", title: "at", numeric: true },
    { key: "message", title: "how" },
  ];
  return html`<h2>Ended lately</h2>
    <${Table} caption="Trials that ended lately" columns=${columns} rows=${rows} />`;
}

/** @param {{answer: any}} props */
function Machine({ answer }) {
  const devices = rowsOfTable(answer.devices);
  const free = devices.filter(({ trial_id: holder }) => holder === null || holder === undefined);
  const facts = [
    ["devices", `${devices.length}, ${free.length} free`],
    ["spent on trials", money(answer.cost_total)],
    ["spent on the machine", money(answer.machine_total)],
    ["an hour", money(answer.cost_per_hour)],
    ["idle", percent(answer.idle_share)],
  ];
  return html`<${FactList}
    facts=${facts.filter(([, value]) => value !== "–")}
    kind="app-machine"
  />`;
}
