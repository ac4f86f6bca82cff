/** A table of any number of rows, of which only those in view are drawn; worked by keyboard as one. */

import { html, useEffect, useMemo, useRef, useState } from "../preact.js";
import { SortedHead } from "./table.js";

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(row: any) => string} text What is shown, and as wide as the column is.
 * @property {(row: any) => any} [cell] Drawn in place of the text.
 * @property {boolean} [numeric]
 * @property {number} [widest] Characters.
 * @property {string} [help]
 *
 * @typedef {object} Choosing Which rows are chosen, by a box in front of each.
 * @property {(row: any) => boolean} has
 * @property {(row: any) => void} toggle
 */

const ROW_PX = 32;
const BEYOND = 8; // rows drawn above and below those in view
const PAGE = 15;
const WIDEST = 34; // characters, unless a column says otherwise

/**
 * @param {object} props
 * @param {string} props.caption For screen readers.
 * @param {Column[]} props.columns
 * @param {any[]} props.rows Each with a unique `key`; `head` sets one off.
 * @param {string} props.sort A column's key, after "-" descending.
 * @param {(sort: string) => void} props.onSort
 * @param {(row: any) => void} props.onOpen
 * @param {Choosing} [props.choosing]
 */
export function VirtualTable({ caption, columns, rows, sort, onSort, onOpen, choosing }) {
  const [active, setActive] = useState(0);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { first, last } = useWindow(box, rows.length);
  const widths = useMemo(() => columns.map((column) => width(column, rows)), [columns, rows]);
  const at = Math.max(0, Math.min(active, rows.length - 1));
  const move = (/** @type {number} */ to) => {
    const row = Math.max(0, Math.min(rows.length - 1, to));
    setActive(row);
    reveal(box.current, row);
  };
  const total = widths.reduce((sum, each) => sum + each, choosing ? 5 : 0);
  return html`<div class="virtual" ref=${box}>
    <table
      role="grid"
      tabindex="0"
      aria-label=${caption}
      aria-rowcount=${rows.length + 1}
      aria-multiselectable=${choosing ? "true" : undefined}
      aria-activedescendant=${rows.length ? rowId(at) : undefined}
      style=${{ width: `${total}ch` }}
      onKeyDown=${keyboard(at, rows, move, onOpen, choosing)}
    >
      <colgroup>
        ${choosing && html`<col style=${{ width: "5ch" }} />`}
        ${widths.map((each) => html`<col style=${{ width: `${each}ch` }} />`)}
      </colgroup>
      <thead>
        <tr aria-rowindex="1">
          ${choosing && html`<th scope="col"><span class="unseen">Chosen</span></th>`}
          ${columns.map((each) => html`<${SortedHead} key=${each.key} column=${each} sort=${sort} onSort=${onSort} />`)}
        </tr>
      </thead>
      <tbody>
        <${Space} rows=${first} />
        ${rows
          .slice(first, last)
          .map(
            (row, n) =>
              html`<${Row}
                key=${row.key}
                row=${row}
                number=${first + n}
                active=${first + n === at}
                columns=${columns}
                choosing=${choosing}
                onActive=${() => setActive(first + n)}
                onOpen=${onOpen}
              />`,
          )}
        <${Space} rows=${rows.length - last} />
      </tbody>
    </table>
  </div>`;
}

/**
 * @param {{row: any, number: number, active: boolean, columns: Column[], choosing?: Choosing,
 *   onActive: () => void, onOpen: (row: any) => void}} props
 */
function Row({ row, number, active, columns, choosing, onActive, onOpen }) {
  const chosen = choosing?.has(row);
  return html`<tr
    id=${rowId(number)}
    class=${`${active ? "active" : ""} ${row.head ? "head" : ""}`}
    aria-rowindex=${number + 2}
    aria-selected=${chosen}
    onClick=${onActive}
    onDblClick=${() => onOpen(row)}
  >
    ${
      choosing &&
      html`<td>
        <input
          type="checkbox"
          tabindex="-1"
          aria-label=${`Choose ${row.label ?? row.key}`}
          checked=${chosen}
          onChange=${() => choosing.toggle(row)}
        />
      </td>`
    }
    ${columns.map((column) => {
      const text = column.text(row);
      return html`<td class=${column.numeric ? "numeric" : ""} title=${text}>
        ${column.cell ? column.cell(row) : text}
      </td>`;
    })}
  </tr>`;
}

/** The room of rows that are not drawn. @param {{rows: number}} props */
function Space({ rows }) {
  if (rows <= 0) return null;
  return html`<tr aria-hidden="true" class="space" style=${{ height: `${rows * ROW_PX}px` }}></tr>`;
}

/** @param {number} number */
function rowId(number) {
  return `row-${number}`;
}

/**
 * Which rows are in view, or nearly so.
 *
 * @param {{current: HTMLElement | null}} box
 * @param {number} count
 */
function useWindow(box, count) {
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    const look = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  const last = Math.min(count, Math.ceil((view.top + view.height) / ROW_PX) + BEYOND);
  return { first: Math.max(0, Math.min(Math.floor(view.top / ROW_PX) - BEYOND, last)), last };
}

/** Scroll a row into view, below the head that stays. @param {HTMLElement | null} box @param {number} row */
function reveal(box, row) {
  if (!box) return;
  const top = row * ROW_PX;
  const room = box.clientHeight - 3 * ROW_PX;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top > box.scrollTop + room) box.scrollTop = top - room;
}

/**
 * What keys do: arrows, page keys and ends move; space chooses; enter opens.
 *
 * @param {number} at
 * @param {any[]} rows
 * @param {(to: number) => void} move
 * @param {(row: any) => void} open
 * @param {Choosing | undefined} choosing
 */
function keyboard(at, rows, move, open, choosing) {
  const actions = /** @type {Record<string, () => void>} */ ({
    ArrowDown: () => move(at + 1),
    ArrowUp: () => move(at - 1),
    PageDown: () => move(at + PAGE),
    PageUp: () => move(at - PAGE),
    Home: () => move(0),
    End: () => move(rows.length - 1),
    " ": () => choosing?.toggle(rows[at]),
    Enter: () => open(rows[at]),
  });
  return (/** @type {KeyboardEvent} */ event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (event.target !== event.currentTarget || modified || !rows.length) return;
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  };
}

/**
 * A column's width in characters: that of its longest text in all rows, so that it does not change
 * as they are scrolled.
 *
 * @param {Column} column
 * @param {any[]} rows
 */
function width(column, rows) {
  const room = column.cell && !column.numeric ? 6 : 3; // around the text, and for a badge's shape
  const title = column.title.length + 2;
  const longest = rows.reduce((most, row) => Math.max(most, column.text(row).length), title);
  return Math.min(column.widest ?? WIDEST, longest) + room;
}
