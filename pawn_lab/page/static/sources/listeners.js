/**
 * Functions that are told of something.
 *
 * @template T
 */
export class Listeners {
  constructor() {
    /** @type {Set<(told: T) => void>} */
    this.functions = new Set();
  }

  /**
   * @param {(told: T) => void} listener
   * @returns {() => void} What stops it.
   */
  add(listener) {
    this.functions.add(listener);
    return () => this.functions.delete(listener);
  }

  /** @param {T} told */
  tell(told) {
    for (const listener of [...this.functions]) listener(told);
  }
}
