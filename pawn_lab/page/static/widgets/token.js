import { html, useState } from "../preact.js";

/** Asks for the token that the server wants. @param {{onToken: (text: string) => void}} props */
export function TokenField({ onToken }) {
  const [text, setText] = useState("");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onToken(text);
  };
  return html`<form class="card narrow" onSubmit=${submit}>
    <h1>This lab wants a token</h1>
    <p>It is what the server was started with, as <code>PAWN_LAB_TOKEN</code>.</p>
    <label>
      Token
      <input
        type="password"
        autocomplete="off"
        value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}
      />
    </label>
    <button>Continue</button>
  </form>`;
}
