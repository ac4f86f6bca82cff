/** What a trial continues, what continues it, and what else it is tied to. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";
import { Tags } from "../widgets/tags.js";

/** @param {{trial: any}} props */
export function Family({ trial }) {
  const { family, progress } = trial;
  const ids = new Set(family.members.map((/** @type {any} */ member) => member.id));
  const roots = family.members.filter((/** @type {any} */ member) => !ids.has(member.parent));
  return html`<section class="card">
    <h2>Lineage</h2>
    <ul class="tree">
      ${roots.map((/** @type {any} */ root) => html`<${Branch} member=${root} members=${family.members} own=${trial.id} unit=${progress.unit} />`)}
    </ul>
    ${family.left_out > 0 && html`<p class="quiet">${family.left_out} further relatives are left out.</p>`}
    <${Ties} family=${family} />
  </section>`;
}

/** @param {{member: any, members: any[], own: number, unit: string}} props */
function Branch({ member, members, own, unit }) {
  const children = members.filter((other) => other.parent === member.id);
  return html`<li>
    <span class="row" aria-current=${member.id === own ? "true" : undefined}>
      <a href=${link("trial", { id: member.id })}>trial ${member.id}</a>
      <${Badge} state=${member.state} />
      ${member.from_step !== null && html`<span class="quiet small">from ${unit} ${number(member.from_step)}</span>`}
      <${Tags} tags=${member.tags} />
      ${Object.entries(member.changed).map(
        ([name, pair]) =>
          html`<span class="small mono" key=${name}
            >${name} ${changeText(/** @type {any} */ (pair))}</span
          >`,
      )}
    </span>
    ${
      children.length > 0 &&
      html`<ul>
        ${children.map((child) => html`<${Branch} member=${child} members=${members} own=${own} unit=${unit} />`)}
      </ul>`
    }
  </li>`;
}

/** @param {[unknown, unknown]} pair Its parent's value, then its own. */
function changeText([before, after]) {
  return `${JSON.stringify(before)} → ${JSON.stringify(after)}`;
}

/** Ties other than that one trial goes on from another. @param {{family: any}} props */
function Ties({ family }) {
  const { launched_with, sweep, reads, read_by } = family;
  return html`<dl class="facts small">
    ${
      launched_with.length > 0 &&
      html`<dt>Launched with</dt>
        <dd class="row">${launched_with.map(trialLink)}</dd>`
    }
    ${
      sweep !== null &&
      html`<dt>Sweep</dt>
        <dd><a href=${link("sweeps", { sweep })}>sweep ${sweep}</a></dd>`
    }
    ${Object.entries(reads).map(
      ([field, weights]) =>
        html`<dt>${field}</dt>
          <dd>
            ${trialLink(/** @type {string} */ (weights).match(/\d+/)?.[0], String(weights))}
          </dd>`,
    )}
    ${
      read_by.length > 0 &&
      html`<dt>Read by</dt>
        <dd class="row">${read_by.map(readerLink)}</dd>`
    }
  </dl>`;
}

/** @param {unknown} id @param {unknown} [text] */
function trialLink(id, text) {
  return html`<a href=${link("trial", { id: String(id) })}
    >${typeof text === "string" ? text : `trial ${id}`}</a
  >`;
}

/** @param {any} reader */
function readerLink({ id, run_type, field, weights }) {
  return html`<span class="row">
    <a href=${link("trial", { id })}>trial ${id}</a>
    <span class="quiet">${run_type}, ${field} ${weights}</span>
  </span>`;
}
