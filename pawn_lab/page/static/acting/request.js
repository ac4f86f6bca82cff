/** The call that a launch form stands for, from the parameters of its address. */

import { listed } from "../widgets/actions.js";
import { configOf } from "./fields.js";

const PREFIX = "c.";

/** What is asked for beside the config. @type {Record<string, (text: string) => any>} */
const OPTIONS = {
  tags: listed,
  hypothesis: String,
  priority: Number,
  seeds: Number,
  max_hours: Number,
  pause_after_steps: Number,
  stop_by_forecast: () => true,
  hold: () => true,
};
const OF_RESUME = ["tags", "hypothesis", "priority", "pause_after_steps", "hold"];
const OF_LAUNCH = [
  "tags",
  "hypothesis",
  "priority",
  "seeds",
  "max_hours",
  "stop_by_forecast",
  "hold",
];

/** The parameter of a config's field. @param {string} name */
export function parameter(name) {
  return PREFIX + name;
}

/** What was typed, by field. @param {Record<string, string>} params */
export function texts(params) {
  const own = Object.entries(params).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(own.map(([name, text]) => [name.slice(PREFIX.length), text]));
}

/**
 * The tool, its arguments, and what cannot be read, by field.
 *
 * @param {any} form The answer of the view `launch_form`.
 * @param {Record<string, string>} params
 */
export function requestOf(form, params) {
  const fields = form.groups.flatMap((/** @type {any} */ group) => group.fields);
  const { config, errors } = configOf(fields, texts(params));
  if (params.resume) {
    const args = {
      trial_id: Number(params.resume),
      checkpoint: checkpoint(params),
      overrides: config,
    };
    return { tool: "lab_resume", args: { ...args, ...options(OF_RESUME, params) }, errors };
  }
  const whole = { ...form.values, ...config, run_type: form.run_type };
  return { tool: "lab_launch", args: { config: whole, ...options(OF_LAUNCH, params) }, errors };
}

/** @param {Record<string, string>} params */
function checkpoint({ checkpoint: which = "latest" }) {
  return /^\d+$/.test(which) ? Number(which) : which;
}

/** @param {string[]} names @param {Record<string, string>} params */
function options(names, params) {
  const told = names.filter((name) => params[name]);
  return Object.fromEntries(told.map((name) => [name, OPTIONS[name](params[name])]));
}
