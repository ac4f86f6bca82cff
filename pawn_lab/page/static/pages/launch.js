/** A form made from the schema of a run type: a dry run first, then the launch. */

import { Author } from "../acting/author.js";
import { useCall } from "../acting/call.js";
import { byField, typed } from "../acting/fields.js";
import { Groups } from "../acting/groups.js";
import { Plan, Trials } from "../acting/plan.js";
import { parameter, requestOf, texts } from "../acting/request.js";
import { html, useState } from "../preact.js";
import { go, link, useRoute, useSource, useView } from "../state.js";
import { Choice, Tick } from "../widgets/form.js";
import { Answered } from "../widgets/status.js";

/** @type {import("./index.js").PageEntry} */
export const launch = { name: "launch", title: "Launch", key: "l", ofLab: true, Page };

function Page() {
  const { params } = useRoute();
  const trial = params.resume || params.like || null;
  const form = useView("launch_form", { run_type: params.run_type ?? null, trial }, () => false);
  return html`<${Answered} view=${form}>
    ${(/** @type {any} */ answer) => html`<${Form} key=${answer.run_type} form=${answer} />`}
  <//>`;
}

/** @param {{form: any}} props */
function Form({ form }) {
  const { params, set } = useRoute();
  const call = useCall();
  const [sent, setSent] = useState("");
  const request = requestOf(form, params);
  const asked = JSON.stringify(request);
  const fields = form.groups.flatMap((/** @type {any} */ group) => group.fields);
  const names = new Set(fields.map((/** @type {any} */ { name }) => name));
  const refused = sent === asked ? byField(call.error, names) : {};
  const send = (/** @type {boolean} */ dry) => {
    setSent(asked);
    call.send(request.tool, dry ? { ...request.args, dry_run: true } : request.args);
  };
  const filled = {
    texts: texts(params),
    errors: { ...refused, ...request.errors },
    usual: Object.fromEntries(
      fields
        .filter((/** @type {any} */ { name }) => name in form.values)
        .map((/** @type {any} */ field) => [field.name, typed(field, form.values[field.name])]),
    ),
    change: (/** @type {string} */ name, /** @type {string} */ text) =>
      set({ [parameter(name)]: text }, { replace: true }),
  };
  const unreadable = Object.keys(request.errors).length > 0;
  return html`
    <${Head} form=${form} params=${params} set=${set} />
    <div class="launch">
      <div><${Groups} groups=${changeable(form.groups, params)} filled=${filled} /></div>
      <aside class="card" aria-label="Launch">
        <${Options} params=${params} set=${set} unit=${form.unit} />
        <${Author} />
        <${Buttons}
          call=${call}
          fresh=${sent === asked}
          unreadable=${unreadable}
          send=${send}
          verb=${params.resume ? "Resume" : "Launch"}
        />
        ${refused[""] && html`<p class="failure" role="alert">${refused[""]}</p>`}
        ${sent === asked && Object.keys(refused).some(Boolean) && html`<p class="failure" role="alert">Refused: see ${Object.keys(refused).filter(Boolean).join(", ")}.</p>`}
        ${call.answer && sent === asked && html`<${Outcome} answer=${call.answer} />`}
      </aside>
    </div>
  `;
}

/** A checkpoint decides some fields. @param {any[]} groups @param {Record<string, string>} params */
function changeable(groups, params) {
  if (!params.resume) return groups;
  return groups.map((group) => ({
    ...group,
    fields: group.fields.filter((/** @type {any} */ { fixed_on_resume }) => !fixed_on_resume),
  }));
}

/** @param {{form: any, params: Record<string, string>, set: (patch: any) => void}} props */
function Head({ form, params, set }) {
  const { about } = form.run_types.find((/** @type {any} */ { name }) => name === form.run_type);
  if (params.resume) {
    return html`<h1>Go on from <${Trials} ids=${[Number(params.resume)]} /></h1>
      <p class="quiet">
        A new trial from its checkpoint. With a field changed it is a fork; what the checkpoint
        decides is not asked for.
      </p>
      <label class="choice">
        Checkpoint
        <input
          value=${params.checkpoint ?? ""}
          placeholder="latest"
          list="checkpoints"
          onInput=${(/** @type {any} */ event) => set({ checkpoint: event.target.value })}
        />
        <datalist id="checkpoints">
          <option value="latest" />
          <option value="best" />
        </datalist>
        <span class="quiet">latest, best, or a ${form.unit}</span>
      </label>`;
  }
  const types = form.run_types.map((/** @type {any} */ { name }) => [name, name]);
  const choose = (/** @type {string} */ run_type) => go(link("launch", { run_type }));
  return html`<h1>Launch</h1>
    ${params.like && html`<p>As <${Trials} ids=${[Number(params.like)]} />, but for what is changed here.</p>`}
    <div class="row">
      <${Choice} label="Run type" value=${form.run_type} options=${types} onChange=${choose} />
      <span class="quiet">${about}</span>
    </div>`;
}

/** @param {{params: Record<string, string>, set: (patch: any, how?: any) => void, unit: string}} props */
function Options({ params, set, unit }) {
  const text = (
    /** @type {string} */ name,
    /** @type {string} */ label,
    /** @type {string} */ usual = "",
  ) =>
    html`<label class="field">
      ${label}
      <input
        value=${params[name] ?? ""}
        placeholder=${usual}
        onInput=${(/** @type {any} */ event) => set({ [name]: event.target.value }, { replace: true })}
      />
    </label>`;
  const tick = (/** @type {string} */ name, /** @type {string} */ label) =>
    html`<${Tick}
      label=${label}
      checked=${!!params[name]}
      onChange=${(/** @type {boolean} */ on) => set({ [name]: on }, { replace: true })}
    />`;
  return html`
    ${text("hypothesis", "Hypothesis: what you expect, why")}
    ${text("tags", "Tags, a comma between two")}
    ${text("priority", "Priority: higher starts earlier", "0")}
    ${params.resume ? text("pause_after_steps", `Pause at this ${unit}`, "never") : html`${text("seeds", "Seeds: trials that differ in seed", "1")} ${text("max_hours", "Hours after which it saves and stops", "no limit")}`}
    <div class="stack">
      ${!params.resume && tick("stop_by_forecast", "Stop it where a like trial beats its forecast")}
      ${tick("hold", "Hold it until it is approved")}
    </div>
  `;
}

/**
 * The launch is there once a dry run of the same request was answered.
 *
 * @param {{call: import("../acting/call.js").Call, fresh: boolean, unreadable: boolean,
 *   send: (dry: boolean) => void, verb: string}} props
 */
function Buttons({ call, fresh, unreadable, send, verb }) {
  const { can } = useSource();
  const tried = fresh && !!call.answer?.plan;
  if (!can.control) return html`<p class="quiet">Reading only: what is launched needs control.</p>`;
  return html`<div class="row">
    <button
      class=${tried ? "" : "main"}
      disabled=${call.pending || unreadable}
      onClick=${() => send(true)}
    >
      Dry run
    </button>
    <button
      class=${tried ? "main" : ""}
      disabled=${call.pending || !tried}
      onClick=${() => send(false)}
    >
      ${verb}
    </button>
    ${!tried && html`<span class="quiet small">A dry run comes first.</span>`}
  </div>`;
}

/** @param {{answer: any}} props */
function Outcome({ answer }) {
  const ids = answer.trial_ids ?? (answer.trial_id === undefined ? [] : [answer.trial_id]);
  return html`<div role="status" class="outcome">
    ${ids.length > 0 && html`<p class="good"><${Trials} ids=${ids} /> ${ids.length > 1 ? "are" : "is"} ${answer.state}. ${answer.why_waiting}</p>`}
    ${answer.repeated && html`<p class="warn">Existed before: <${Trials} ids=${answer.repeated} /></p>`}
    ${(answer.warnings ?? []).map((/** @type {string} */ each) => html`<p class="warn">${each}</p>`)}
    ${answer.plan && html`<${Plan} plan=${answer.plan} />`}
  </div>`;
}
