import { html, useEffect, useLayoutEffect, useRef, useState } from "../preact.js";
import { source } from "../source.js";
import { Tick } from "../widgets/form.js";

const LINES = 200;
const NEAR_PIXELS = 8;
const MOST_TOKENS = 20_000;

/** The end of a trial's output, or the last lines that hold a text. @param {{id: number}} props */
export function Log({ id }) {
  const [open, setOpen] = useState(false);
  return html`<details
    class="card log"
    onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}
  >
    <summary><h2>Log</h2></summary>
    ${open && html`<${Lines} id=${id} />`}
  </details>`;
}

/** @param {{id: number}} props */
function Lines({ id }) {
  const [sought, setSought] = useState("");
  const [around, setAround] = useState(false);
  const { answer, error } = useLog(id, sought, around);
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    setSought(new FormData(event.target).get("sought")?.toString().trim() ?? "");
  };
  return html`
    <form class="row" role="search" onSubmit=${submit}>
      <label class="choice">find <input type="search" name="sought" /></label>
      <button>Find</button>
      <${Tick} label="with the lines around" checked=${around} onChange=${setAround} />
    </form>
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${answer?.older_lines && html`<p class="quiet small">Older lines are left out; a search looks further back.</p>`}
    ${answer && html`<${Text} text=${answer.text || (sought ? "No line has that text." : "Nothing was written yet.")} />`}
  `;
}

/** Text whose end is seen, unless it was scrolled back. @param {{text: string}} props */
function Text({ text }) {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const pre = element.current;
    if (pre && atEnd.current) pre.scrollTop = pre.scrollHeight;
  }, [text]);
  const onScroll = (/** @type {any} */ { target }) => {
    atEnd.current = target.scrollTop + target.clientHeight >= target.scrollHeight - NEAR_PIXELS;
  };
  return html`<pre ref=${element} onScroll=${onScroll} tabindex="0" aria-label="Lines of the log">
${text}</pre>`;
}

/**
 * The lines, read again when the trial has written more.
 *
 * @param {number} id @param {string} sought @param {boolean} around
 */
function useLog(id, sought, around) {
  const [state, setState] = useState(
    /** @type {{answer: any, error: any}} */ ({ answer: null, error: null }),
  );
  useEffect(() => {
    let stopped = false;
    const tell = (/** @type {any} */ news) => stopped || setState(news);
    const search = sought ? { grep: sought, around: around ? 5 : 0 } : {};
    const ask = () =>
      source
        .call("lab_log", { trial_id: id, lines: LINES, max_tokens: MOST_TOKENS, ...search })
        .then(
          (answer) => tell({ answer, error: null }),
          (error) => tell({ answer: null, error }),
        );
    ask();
    const off = source.onChange(
      (change) => (!change.trials || change.trials.includes(id)) && ask(),
    );
    return () => {
      stopped = true;
      off();
    };
  }, [id, sought, around]);
  return state;
}
