/** One line at the bottom of a terminal that is rewritten; nothing at all when the stream is no terminal. */
export interface ProgressLine {
  show(text: string): void
  /** Removes the line: call before writing anything else. */
  clear(): void
}

export function createProgressLine(
  stream: NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: false }),
): ProgressLine {
  if (stream.isTTY !== true) return { show() {}, clear() {} }
  let shown = false
  return {
    show(text) {
      const width = (stream as NodeJS.WriteStream).columns || 80
      stream.write(`\r\u001b[2K${text.length < width ? text : `${text.slice(0, width - 2)}…`}`)
      shown = true
    },
    clear() {
      if (shown) stream.write('\r\u001b[2K')
      shown = false
    },
  }
}
