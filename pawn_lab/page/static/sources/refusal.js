/** Why a question was not answered, in the sentence of whoever refused. */
export class Refusal extends Error {
  /**
   * @param {string} sentence
   * @param {number} [status] HTTP status, 0 where no server answered.
   */
  constructor(sentence, status = 0) {
    super(sentence);
    this.name = "Refusal";
    this.status = status;
  }
}
