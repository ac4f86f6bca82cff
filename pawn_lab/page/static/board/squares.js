/** Squares by number, a1 = 0 up to h8 = 63, and where they are on the board. */

export const SIDE = 45;
/** Units of a square's side. */

const FILES = "abcdefgh";

/** @param {number} square */
export function squareName(square) {
  return FILES[square % 8] + (Math.floor(square / 8) + 1);
}

/** @param {string} name */
export function squareOf(name) {
  return FILES.indexOf(name[0]) + 8 * (Number(name[1]) - 1);
}

/** The squares that a move in UCI goes from and to. @param {string} uci @returns {[number, number]} */
export function ends(uci) {
  return [squareOf(uci.slice(0, 2)), squareOf(uci.slice(2, 4))];
}

/** The men of a FEN by square, `.` where there is none. @param {string} fen */
export function menOf(fen) {
  const ranks = fen.split(" ")[0].split("/").reverse();
  return ranks.flatMap((rank) => [...rank.replace(/\d/g, (digits) => ".".repeat(Number(digits)))]);
}

/** Whether White is to move. @param {string} fen */
export function whiteMoves(fen) {
  return fen.split(" ")[1] === "w";
}

/** The upper left corner of a square. @param {number} square @param {boolean} flipped */
export function corner(square, flipped) {
  const file = square % 8;
  const rank = Math.floor(square / 8);
  return flipped
    ? { x: SIDE * (7 - file), y: SIDE * rank }
    : { x: SIDE * file, y: SIDE * (7 - rank) };
}

/** Its middle. @param {number} square @param {boolean} flipped */
export function middle(square, flipped) {
  const { x, y } = corner(square, flipped);
  return { x: x + SIDE / 2, y: y + SIDE / 2 };
}
