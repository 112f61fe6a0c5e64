import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { downloadedBody, toFileBody } from '../../src/save/file-body.ts'

async function read(value: unknown): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await toFileBody(value)).chunks) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** What pdfjs documents are: `readable` and `pipe`, and nothing else of a stream. */
class PipeOnly {
  readable = true
  pipe(destination: NodeJS.WritableStream) {
    destination.write('piped ')
    destination.end('bytes')
    return destination
  }
}

describe('what a file can be made of', () => {
  test('FIX-13: a small Buffer of the shared pool is exactly its bytes', async () => {
    const buffer = Buffer.from('tiny')
    assert.ok(buffer.buffer.byteLength > buffer.byteLength, 'the test needs a pooled Buffer')
    assert.equal(await read(buffer), 'tiny')
    assert.equal((await toFileBody(buffer)).size, 4)
  })

  const forms: [string, () => unknown][] = [
    ['text', () => 'piped bytes'],
    ['a typed array', () => new Uint16Array(new TextEncoder().encode('_piped bytes').buffer.slice(0, 12)).subarray(0)],
    ['an ArrayBuffer', () => Uint8Array.from(Buffer.from('piped bytes')).buffer],
    ['a Blob', () => new Blob(['piped ', 'bytes'])],
    ['a Readable', () => Readable.from([Buffer.from('piped '), Buffer.from('bytes')])],
    ['a Readable of text', () => new PassThrough({ encoding: 'latin1' }).end('piped bytes')],
    ['a web stream', () => new Blob(['piped bytes']).stream()],
    ['a fetch response', () => new Response('piped bytes')],
    ['a pdfjs document', () => new PipeOnly()],
    ['a promise', async () => Buffer.from('piped bytes')],
    ['a promise of a stream', async () => Readable.from([Buffer.from('piped bytes')])],
  ]
  for (const [name, make] of forms) {
    test(name, async () => assert.equal((await read(make())).replace(/^_/, ''), 'piped bytes'))
  }

  test('nothing else', async () => {
    for (const value of [undefined, null, 3, true, {}, () => 'x']) {
      await assert.rejects(toFileBody(value), /invalid data type/)
    }
  })

  test('a stream that fails, fails the reading', async () => {
    const stream = new PassThrough()
    stream.write('a')
    const reading = read(stream)
    stream.destroy(new Error('broken'))
    await assert.rejects(reading, /broken/)
  })

  test('FIX-15: an answer that is not a success is refused, and let go of', async () => {
    await assert.rejects(toFileBody(new Response('not here', { status: 404 })), /HTTP status 404/)
    let cancelled = false
    const cancel = () => {
      cancelled = true
    }
    const answer = { status: 500, body: 'x', cancel }
    await assert.rejects(downloadedBody(answer), /HTTP status 500/)
    assert.ok(cancelled)
  })

  test('a request of the callback age: status, type and length come with its response', async () => {
    const request = Object.assign(new EventEmitter(), {
      pipe: (destination: PassThrough) => {
        queueMicrotask(() => {
          const headers = { 'content-type': 'application/pdf', 'content-length': '5' }
          request.emit('response', Object.assign(new EventEmitter(), { statusCode: 200, headers }))
          destination.end('%PDF-')
        })
        return destination
      },
      abort: () => {},
    })
    const body = await toFileBody(request)
    assert.equal(body.contentType, 'application/pdf')
    assert.equal(body.size, 5)
  })
})
