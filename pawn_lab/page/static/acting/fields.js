/** Fields of a config: what was typed as the value that it stands for. */

/**
 * @typedef {object} ConfigField
 * @property {string} name
 * @property {string} about
 * @property {"integer" | "number" | "boolean" | "text" | "choice" | "choices" | "json"} kind
 * @property {string[] | null} choices
 * @property {boolean} optional Whether null is a value.
 * @property {any} default
 * @property {string} limits
 * @property {boolean} rare
 * @property {boolean} fixed_on_resume
 *
 * @typedef {{title: string, about: string, fields: ConfigField[]}} Group
 */

/** @type {Record<string, (text: string) => any>} */
const READERS = {
  integer: (text) => wholeNumber(text),
  number: (text) => finite(text),
  boolean: (text) => text === "true",
  choices: (text) => text.split(","),
  json: (text) => JSON.parse(text),
};

/**
 * The value of what was typed.
 *
 * @param {ConfigField} field
 * @param {string} text
 * @throws {Error} Says what is allowed.
 */
export function valueOf(field, text) {
  if (field.optional && text.trim() === "null") return null;
  return (READERS[field.kind] ?? String)(text.trim());
}

/** @param {string} text */
function finite(text) {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) throw new Error(`'${text}' is no number`);
  return value;
}

/** @param {string} text */
function wholeNumber(text) {
  const value = finite(text);
  if (!Number.isSafeInteger(value)) throw new Error(`'${text}' is no whole number`);
  return value;
}

/** What would be typed for a value. @param {ConfigField} field @param {any} value */
export function typed(field, value) {
  if (value === null || value === undefined) return "null";
  if (field.kind === "choices") return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * The config of a form, and what is wrong with what was typed, by field.
 *
 * @param {ConfigField[]} fields
 * @param {Record<string, string>} texts By field; what is empty is left out.
 */
export function configOf(fields, texts) {
  /** @type {Record<string, any>} */
  const config = {};
  /** @type {Record<string, string>} */
  const errors = {};
  for (const field of fields) {
    const text = texts[field.name];
    if (text === undefined || text === "") continue;
    try {
      config[field.name] = valueOf(field, text);
    } catch (error) {
      errors[field.name] = /** @type {Error} */ (error).message;
    }
  }
  return { config, errors };
}

/**
 * A refusal's lines, each at the field that it begins with; the others under "".
 *
 * @param {string} refusal
 * @param {Set<string>} names
 * @returns {Record<string, string>}
 */
export function byField(refusal, names) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const line of refusal.split("\n").filter(Boolean)) {
    const [first] = /^\w+/.exec(line) ?? [""];
    const name = names.has(first) ? first : "";
    found[name] = found[name] ? `${found[name]}\n${line}` : line;
  }
  return found;
}
