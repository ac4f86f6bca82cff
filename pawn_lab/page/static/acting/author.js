import { html, useState } from "../preact.js";
import { source } from "../source.js";

const MOST_CHARACTERS = 40;

/** Asks for the name that events give for who acts here; not where a host knows it. */
export function Author() {
  const [name, setName] = useState(source.author ?? "");
  if (source.author === undefined) return null;
  const take = (/** @type {any} */ event) => {
    source.author = event.target.value;
    setName(event.target.value);
  };
  return html`<label class="choice">
    Your name, for the event
    <input value=${name} maxlength=${MOST_CHARACTERS} placeholder="dashboard" onInput=${take} />
  </label>`;
}
