/** Server-sent events, read by fetch because an EventSource can send no token. */

/**
 * Read a stream until it ends or is aborted.
 *
 * @param {ReadableStream<BufferSource>} body
 * @param {() => void} onBytes Told of everything that arrives, comments too.
 * @param {(kind: string, data: string) => void} onEvent
 */
export async function readEvents(body, onBytes, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) readEvent(block, onEvent);
  }
}

/**
 * @param {string} block
 * @param {(kind: string, data: string) => void} onEvent
 */
function readEvent(block, onEvent) {
  let kind = "message";
  /** @type {string[]} */
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) kind = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length) onEvent(kind, data.join("\n"));
}
