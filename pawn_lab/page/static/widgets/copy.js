import { html, useState } from "../preact.js";

/** A button that copies text, and says so. @param {{text: string, children?: any}} props */
export function Copy({ text, children }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
  };
  return html`<button class="quiet" onClick=${copy} onBlur=${() => setDone(false)}>
    ${done ? "Copied" : (children ?? "Copy")}
  </button>`;
}
