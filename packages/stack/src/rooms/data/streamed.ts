import { Readable } from 'node:stream'
import { type Answer, bytes, jsonText } from '#ground/http/answer'

/**
 * An answer of any length in constant memory: the rows come page by page, as the client takes them. What fits in two pages is
 * sent as one text. An error of the first pages is an answer of its own; a later one breaks the connection off, so that half an
 * answer is never taken for a whole one.
 * @param pages texts of JSON rows
 * @param tail made when all rows have gone
 */
export async function streamedRows(
  head: string,
  pages: AsyncIterable<string[]>,
  tail: string | (() => string | Promise<string>),
): Promise<Answer> {
  const end = async () => (typeof tail === 'string' ? tail : tail())
  const iterator = pages[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done) return jsonText(head + (await end()))
  const second = await iterator.next()
  if (second.done) return jsonText(head + first.value.join(',') + (await end()))

  async function* all(): AsyncGenerator<string> {
    try {
      yield head
      let separator = ''
      for (let page: IteratorResult<string[]> = first; !page.done; ) {
        if (page.value.length > 0) {
          yield separator + page.value.join(',')
          separator = ','
        }
        page = page === first ? second : await iterator.next()
      }
      yield await end()
    } finally {
      await iterator.return?.()
    }
  }
  return bytes(Readable.from(all(), { objectMode: false }), { 'content-type': 'application/json; charset=utf-8' })
}
