import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CutLine, LineSplitter } from '../../src/output/lines.ts'
import { readMessage } from '../../src/output/message.ts'

function split(chunks: (string | Buffer)[], limit = 100): CutLine[] {
  const lines: CutLine[] = []
  const splitter = new LineSplitter(limit, line => lines.push(line))
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  splitter.end()
  return lines
}

test('lines, however they arrive', () => {
  const text = 'one\r\ntwo é\n\nlast'
  const wanted = ['one', 'two é', '', 'last'].map(line => ({ text: line }))
  assert.deepEqual(split([text]), wanted)
  assert.deepEqual(split([...Buffer.from(text)].map(byte => Buffer.from([byte]))), wanted)
})

test('a long line is cut at a character, with its length, and the next one is whole', () => {
  assert.deepEqual(split(['é'.repeat(80), 'é'.repeat(20), '\nnext\n'], 101), [
    { text: 'é'.repeat(50), cutFrom: 200 },
    { text: 'next' },
  ])
  assert.deepEqual(split(['x'.repeat(100), '\n'], 100), [{ text: 'x'.repeat(100) }])
})

test('messages of the protocol, and lines that are none', () => {
  assert.deepEqual(readMessage('{"type":"critical","message":"LOGIN_FAILED","no_retry":true}'), {
    type: 'critical',
    message: 'LOGIN_FAILED',
    noRetry: true,
  })
  assert.deepEqual(readMessage('{"type":"info"}'), { type: 'info', message: '', noRetry: false })
  assert.deepEqual(readMessage('{}'), { type: '', message: '', noRetry: false })
  for (const line of ['', 'text', '"text"', '[]', 'null', '{"message":{}}', '{"type":1}', '{"type":'])
    assert.equal(readMessage(line), undefined, line)
  assert.equal(readMessage(JSON.stringify({ message: `x${'é'.repeat(4000)}` }))!.message, `x${'é'.repeat(1999)}`)
})
