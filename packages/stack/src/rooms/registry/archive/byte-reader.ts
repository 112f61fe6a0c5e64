/** Takes a stream apart by numbers of bytes. */
export interface ByteReader {
  /** Exactly so many bytes; undefined when the stream ends before. For small pieces: they are held in memory. */
  take(size: number): Promise<Buffer | undefined>
  /** So many bytes as they come. Ends early only by throwing `cut()`. */
  chunks(size: number, cut: () => Error): AsyncGenerator<Buffer>
}

export function createByteReader(stream: AsyncIterable<Buffer>): ByteReader {
  const iterator = stream[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const next = async (): Promise<boolean> => {
    const step = await iterator.next()
    if (step.done) return false
    rest = rest.length === 0 ? step.value : Buffer.concat([rest, step.value])
    return true
  }
  return {
    async take(size) {
      while (rest.length < size) if (!(await next())) return undefined
      const taken = rest.subarray(0, size)
      rest = rest.subarray(size)
      return taken
    },
    async *chunks(size, cut) {
      for (let left = size; left > 0; ) {
        if (rest.length === 0 && !(await next())) throw cut()
        const taken = rest.subarray(0, left)
        rest = rest.subarray(taken.length)
        left -= taken.length
        if (taken.length > 0) yield taken
      }
    },
  }
}
