/** What is around each page: navigation, state of the connection, theme, shortcuts. */

import { duration } from "./format.js";
import { PAGES } from "./pages/index.js";
import { html, useEffect, useErrorBoundary, useRef, useState } from "./preact.js";
import { useShortcuts } from "./shortcuts.js";
import { link, useRoute, useSource } from "./state.js";
import { ThemeButton } from "./theme.js";
import { Dialog } from "./widgets/dialog.js";
import { TokenField } from "./widgets/token.js";

const LISTED = PAGES.filter(({ key }) => key);

export function Shell() {
  const source = useSource();
  const { page } = useRoute();
  const [help, setHelp] = useState(false);
  const shown = PAGES.find(({ name }) => name === page) ?? PAGES[0];
  useShortcuts(LISTED, () => setHelp(true));
  useEffect(() => {
    document.title = `${shown.title} · ${folder(source.session?.workspace)}`;
  }, [shown, source.session]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <${Brand} session=${source.session} />
      <${Navigation} current=${shown.name} mode=${source.session?.mode} />
      <div class="top-end"><${Connection} source=${source} /><${ThemeButton} /></div>
    </header>
    <main id="main" tabindex="-1">
      ${
        source.needsToken
          ? html`<${TokenField}
              onToken=${(/** @type {string} */ text) => source.authorize?.(text)}
            />`
          : html`<${Guarded} key=${shown.name} Page=${shown.Page} />`
      }
    </main>
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  `;
}

/** A link to a place in the page would change the address. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** The name of a workspace: its last folders. @param {string | undefined} path */
function folder(path) {
  return path?.split("/").slice(-2).join("/") ?? "PAWN lab";
}

/** @param {{session: any}} props */
function Brand({ session }) {
  const workspace = session?.workspace;
  return html`<a class="brand" href=${link("overview")} title=${workspace}>
    <span aria-hidden="true">♟</span> ${folder(workspace)}
  </a>`;
}

/** @param {{current: string, mode: string | undefined}} props */
function Navigation({ current, mode }) {
  const pages = mode === "bare" ? LISTED.filter(({ ofLab }) => !ofLab) : LISTED;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const active = list.current?.querySelector("[aria-current]");
    active?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  const entry = (/** @type {any} */ { name, title }) =>
    html`<a href=${link(name)} aria-current=${name === current ? "page" : undefined}>${title}</a>`;
  return html`<nav aria-label="Pages" ref=${list}>${pages.map(entry)}</nav>`;
}

/** How old the data are, in words. @param {{source: import("./source.js").Source}} props */
function Connection({ source }) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((/** @type {number} */ n) => n + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  if (source.kind !== "live") return null;
  const age = source.age();
  if (source.connected) return html`<span class="connection" role="status">● live</span>`;
  const since = age === null ? "" : ` · data ${duration(age)} old`;
  return html`<span class="connection lost" role="status">○ not connected${since}</span>`;
}

/** A page whose error does not take the navigation with it. @param {{Page: any}} props */
function Guarded({ Page }) {
  const [error, again] = useErrorBoundary((/** @type {unknown} */ failure) => {
    console.error(failure);
  });
  if (!error) return html`<${Page} />`;
  return html`<div class="failure" role="alert">
    <p>This page failed: ${String(error)}</p>
    <button onClick=${again}>Try again</button>
  </div>`;
}

/** @param {{onClose: () => void}} props */
function Help({ onClose }) {
  return html`<${Dialog} title="Keys" onClose=${onClose}>
    <dl class="keys">
      ${LISTED.map(
        ({ key, title }) => html`
          <dt><kbd>g</kbd> <kbd>${key}</kbd></dt>
          <dd>${title}</dd>
        `,
      )}
      <dt><kbd>?</kbd></dt>
      <dd>These keys</dd>
      <dt><kbd>Esc</kbd></dt>
      <dd>Close</dd>
    </dl>
  <//>`;
}
