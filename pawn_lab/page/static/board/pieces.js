/** The men: their outlines on a square of 45 units, and their words. */

const PAWN =
  "M22.5 9a5.5 5.5 0 0 0-3.6 9.7c-3 1.6-4.9 4.6-4.9 8 0 .8.1 1.5.3 2.3-3.3 2-5.3 5.5-5.3 10h27" +
  "c0-4.5-2-8-5.3-10 .2-.8.3-1.5.3-2.3 0-3.4-1.9-6.4-4.9-8A5.5 5.5 0 0 0 22.5 9z";
const KNIGHT =
  "M16 8l3 3c8-1 15 5 15 16v12H14c0-7 1.5-9.5 6-13.5-2.3.8-4 1-5.7.9L11.5 31 8 28.5l1.5-6" +
  "C11 17 13.2 13.5 15.7 11.5z";
const BISHOP =
  "M22.5 5.5a3 3 0 0 0-1.7 5.5c-4.6 3.1-7.8 7.8-7.8 12.6 0 2.9 1.3 5.2 3.4 6.8L14.2 34H10.5v5h24" +
  "v-5h-3.7l-2.2-3.6c2.1-1.6 3.4-3.9 3.4-6.8 0-4.8-3.2-9.5-7.8-12.6a3 3 0 0 0-1.7-5.5z";
const ROOK = "M10 9h5v4h5V9h5v4h5V9h5v8l-3.5 3v11l3.5 3.5V39H10v-4.5l3.5-3.5V20L10 17z";
const QUEEN = "M7 12l6 14 1-17 5.5 15L22.5 7l3 17L31 9l1 17 6-14-3.5 22 1.5 5h-27l1.5-5z";
const KING =
  "M21 4h3v3h3v3h-3v4.6c2.6.7 4 3.3 3.5 5.9 4-3.5 10.5-2 10.5 4 0 4-2.7 6.5-5 8.5v6H12v-6" +
  "c-2.3-2-5-4.5-5-8.5 0-6 6.5-7.5 10.5-4-.5-2.6.9-5.2 3.5-5.9V10h-3V7h3z";

/** @type {Record<string, {outline: string, name: string}>} */
const KINDS = {
  p: { outline: PAWN, name: "pawn" },
  n: { outline: KNIGHT, name: "knight" },
  b: { outline: BISHOP, name: "bishop" },
  r: { outline: ROOK, name: "rook" },
  q: { outline: QUEEN, name: "queen" },
  k: { outline: KING, name: "king" },
};

/** The outline of a man by its letter in a FEN. @param {string} man */
export function outline(man) {
  return KINDS[man.toLowerCase()]?.outline ?? "";
}

/** Whether a man is White's. @param {string} man */
export function isWhite(man) {
  return man !== man.toLowerCase();
}

/** What stands on a square, in words; `.` is nothing. @param {string} man */
export function manName(man) {
  const kind = KINDS[man.toLowerCase()];
  return kind ? `${isWhite(man) ? "white" : "black"} ${kind.name}` : "empty";
}
