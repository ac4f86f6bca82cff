import { html, useEffect, useRef } from "../preact.js";

/**
 * A window over the page; Escape closes it, focus stays in it and goes back afterwards.
 *
 * @param {{title: string, onClose: () => void, children?: any}} props
 */
export function Dialog({ title, onClose, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return html`<dialog ref=${element} aria-label=${title} onClose=${onClose}>
    <div class="dialog-head">
      <h2>${title}</h2>
      <button class="quiet" aria-label="Close" onClick=${closing}>✕</button>
    </div>
    ${children}
  </dialog>`;
}

/** Close the window that a button is in; a form could not where a host forbids forms. @param {any} event */
export function closing(event) {
  event.currentTarget.closest("dialog").close();
}
