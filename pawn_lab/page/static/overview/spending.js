import { Bars } from "../charts/bars.js";
import { duration, money, number, percent, when } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { BurnDown } from "./burndown.js";

/** What an hour costs, what was spent, and how long the budget lasts. @param {{spending: any}} props */
export function Spending({ spending }) {
  const priced = spending.cost_per_hour !== null;
  return html`<section class="card">
    <h2>Spending</h2>
    ${priced ? html`<${Priced} spending=${spending} />` : html`<p>${unpriced(spending)}</p>`}
  </section>`;
}

/** @param {any} spending */
function unpriced({ device_hours }) {
  const held = `No price of an hour was set; trials have held devices for ${number(device_hours)} hours.`;
  return `${held} lab_set_cost(cost_per_hour=…) sets it.`;
}

/** @param {{spending: any}} props */
function Priced({ spending }) {
  const { budget } = spending;
  const facts = [...totals(spending), ...(budget ? budgetFacts(budget, spending) : [])];
  return html`
    <dl class="facts">
      ${facts.map(
        ([name, text, bad]) =>
          html`<dt>${name}</dt>
            <dd class=${bad ? "bad" : ""}>${text}</dd>`,
      )}
    </dl>
    <${BurnDown} spending=${spending} />
    ${spending.by_tag.length > 0 && html`<${ByTag} costs=${spending.by_tag} />`}
  `;
}

/** @param {{costs: [tag: string, cost: number][]}} props */
function ByTag({ costs }) {
  const bars = costs.map(([tag, value]) => ({ label: tag, value, to: link("trials", { tag }) }));
  return html`<details>
    <summary>Cost by tag</summary>
    <${Bars} title="A trial of several tags counts for each" bars=${bars} />
  </details>`;
}

/** @param {any} spending @returns {[string, string, boolean?][]} */
function totals({ cost_per_hour, devices, total, device_hours, machine }) {
  const rate = `${money(cost_per_hour)} an hour for ${devices} devices`;
  const trials = `${money(total)} for ${number(device_hours)} device-hours`;
  if (!machine)
    return [
      ["Rate", rate],
      ["Trials", trials],
    ];
  const idle = `${money(machine.total)} in ${number(machine.hours)} hours, ${percent(machine.idle_share)} idle`;
  return [
    ["Rate", rate],
    ["Trials", trials],
    ["Machine", idle],
  ];
}

/** @param {any} budget @param {any} spending @returns {[string, string, boolean?][]} */
function budgetFacts(budget, { ahead, spent_at }) {
  const counted = budget.basis === "machine_time" ? "the machine's time" : "device-time";
  const short = budget.spent + (ahead ?? 0) > budget.budget;
  return [
    [
      "Budget",
      `${money(budget.spent)} of ${money(budget.budget)} spent, of ${counted}; ${money(budget.reserved)} reserved`,
    ],
    [
      "Ahead",
      `${money(ahead)} for the trials that run and wait${short ? ": ⚠ more than is left" : ""}`,
      short,
    ],
    ["Spent on", spentOn(spent_at)],
  ];
}

/** @param {number | null} at */
function spentOn(at) {
  if (at === null) return "never, at the pace of now";
  const left = at - Date.now() / 1000;
  return left < 1 ? "it is spent" : `${when(at)}, in ${duration(left)}, at the pace of now`;
}
