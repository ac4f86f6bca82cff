/** What a browser remembers; a sandboxed page has no memory, and then nothing is kept. */

/**
 * @param {Storage | null} storage
 * @param {string} name
 * @returns {{get(): string | null, set(value: string | null): void}}
 */
function kept(storage, name) {
  return {
    get: () => storage?.getItem(name) ?? null,
    set(value) {
      if (value === null) storage?.removeItem(name);
      else storage?.setItem(name, value);
    },
  };
}

/** @param {"localStorage" | "sessionStorage"} kind */
function storage(kind) {
  try {
    return window[kind];
  } catch {
    return null; // a sandboxed frame, or a browser that forbids it
  }
}

/** Until the browser forgets. @param {string} name */
export function keptInBrowser(name) {
  return kept(storage("localStorage"), `pawn-${name}`);
}

/** As long as this tab is open. @param {string} name */
export function keptInTab(name) {
  return kept(storage("sessionStorage"), `pawn-${name}`);
}
