/** The fields of a config in their groups, with what is allowed and what is wrong. */

import { html, useState } from "../preact.js";
import { Field } from "../widgets/form.js";
import { typed } from "./fields.js";

/**
 * @typedef {import("./fields.js").ConfigField} ConfigField
 * @typedef {import("./fields.js").Group} Group
 *
 * @typedef {object} Filled What was typed, and what is wrong with it, by field.
 * @property {Record<string, string>} texts
 * @property {Record<string, string>} errors
 * @property {Record<string, string>} usual What a field is where nothing is typed.
 * @property {(name: string, text: string) => void} change
 */

const OPEN_AT_FIRST = 2;

/** @param {{groups: Group[], filled: Filled}} props */
export function Groups({ groups, filled }) {
  const [wanted, setWanted] = useState("");
  const sought = wanted.trim().toLowerCase();
  const shown = sought
    ? groups.map((group) => ({ ...group, fields: group.fields.filter(holding(sought)) }))
    : groups;
  return html`
    <label class="field find">
      Find a field
      <input
        type="search"
        value=${wanted}
        placeholder="lr, batch, device ..."
        onInput=${(/** @type {any} */ event) => setWanted(event.target.value)}
      />
    </label>
    ${shown
      .filter(({ fields }) => fields.length)
      .map(
        (group, n) =>
          html`<${FieldGroup}
            key=${group.title}
            group=${group}
            filled=${filled}
            open=${sought !== "" || n < OPEN_AT_FIRST}
            whole=${sought !== ""}
          />`,
      )}
  `;
}

/** @param {string} sought @returns {(field: ConfigField) => boolean} */
function holding(sought) {
  return ({ name, about }) => `${name} ${about}`.toLowerCase().includes(sought);
}

/** @param {{group: Group, filled: Filled, open: boolean, whole: boolean}} props */
function FieldGroup({ group, filled, open, whole }) {
  const isTold = (/** @type {ConfigField} */ { name }) =>
    !!(filled.texts[name] || filled.errors[name]);
  const usual = group.fields.filter((field) => whole || !field.rare || isTold(field));
  const rare = group.fields.filter((field) => !usual.includes(field));
  const told = group.fields.filter(isTold).length;
  return html`<details class="card group" open=${open || told > 0}>
    <summary>
      <h2>${group.title}</h2>
      ${told > 0 && html`<span class="small"> ${told} set</span>`}
      <span class="quiet small"> ${group.about}</span>
    </summary>
    <${FieldGrid} fields=${usual} filled=${filled} />
    ${
      rare.length > 0 &&
      html`<details>
        <summary class="quiet small">
          Rarely set: ${rare.map(({ name }) => name).join(", ")}
        </summary>
        <${FieldGrid} fields=${rare} filled=${filled} />
      </details>`
    }
  </details>`;
}

/** @param {{fields: ConfigField[], filled: Filled}} props */
function FieldGrid({ fields, filled }) {
  return html`<div class="fields">
    ${fields.map((field) => {
      const { name } = field;
      const told = filled.texts[name] ? " told" : "";
      return html`<div class=${`config-field${told}`} key=${name}>
        <${Field}
          id=${`field-${name}`}
          label=${name}
          help=${help(field)}
          error=${filled.errors[name]}
        >
          <${Control} field=${field} filled=${filled} />
        <//>
      </div>`;
    })}
  </div>`;
}

/** @param {ConfigField} field */
function help({ about, limits, optional, default: usual }) {
  const none = optional && usual !== null ? "null: none." : "";
  return [about, limits && `Allowed: ${limits}.`, none].filter(Boolean).join(" ");
}

/** @param {{field: ConfigField, filled: Filled}} props */
function Control({ field, filled }) {
  const { name } = field;
  const given = {
    id: `field-${name}`,
    "aria-describedby": `field-${name}-help`,
    "aria-invalid": filled.errors[name] ? "true" : undefined,
    value: filled.texts[name] ?? "",
    onInput: (/** @type {any} */ event) => filled.change(name, event.target.value),
  };
  const usual = filled.usual[name] ?? (field.default === null ? "" : typed(field, field.default));
  if (field.kind === "boolean" || field.kind === "choice") {
    const choices = field.kind === "boolean" ? ["true", "false"] : (field.choices ?? []);
    return html`<select ...${given}>
      <option value="">
        ${usual ? `${usual} (${name in filled.usual ? "as it was" : "default"})` : "default"}
      </option>
      ${choices.map((each) => html`<option value=${each} selected=${each === given.value}>${each}</option>`)}
    </select>`;
  }
  if (field.kind === "json")
    return html`<textarea rows="2" placeholder=${usual} ...${given}></textarea>`;
  const mode = field.kind === "integer" ? "numeric" : undefined;
  return html`<input
      inputmode=${mode}
      placeholder=${usual}
      autocomplete="off"
      list=${listOf(field)}
      ...${given}
    />
    ${field.kind === "choices" && html`<datalist id=${listOf(field)}>${field.choices?.map((each) => html`<option value=${each} />`)}</datalist>`}`;
}

/** @param {ConfigField} field */
function listOf({ kind, name }) {
  return kind === "choices" ? `choices-${name}` : undefined;
}
