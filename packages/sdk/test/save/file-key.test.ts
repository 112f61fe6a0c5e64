import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { canonicalKey, fileKey, upstreamFileKey } from '../../src/save/file-key.ts'

describe('the key of a file', () => {
  test('is the values of the sorted attributes joined by ####', () => {
    assert.equal(fileKey({ vendorRef: 'r1', amount: 12.5, b: null }, ['vendorRef', 'b', 'amount']), '12.5########r1')
  })

  test('reads paths, and leaves the caller’s array as it is', () => {
    const attributes = ['z', 'a.b']
    assert.equal(fileKey({ z: 1, a: { b: 2 } }, attributes), '2####1')
    assert.deepEqual(attributes, ['z', 'a.b'])
  })

  test('writes dates in a form that does not depend on the time zone', () => {
    const date = new Date('2025-03-04T10:00:00.123Z')
    assert.equal(fileKey({ date }, ['date']), '2025-03-04T10:00:00.123Z')
    assert.equal(fileKey({ date: new Date(Number.NaN) }, ['date']), 'Invalid Date')
  })

  test('is recognised as earlier libraries wrote it, whatever the time zone was', () => {
    const entry = { date: new Date('2025-03-04T10:00:00.123Z'), amount: 3 }
    const key = canonicalKey(fileKey(entry, ['date', 'amount']))
    assert.equal(canonicalKey(upstreamFileKey(entry, ['date', 'amount'])), key)
    const paris = '3####Tue Mar 04 2025 11:00:00 GMT+0100 (heure normale d’Europe centrale)'
    assert.equal(canonicalKey(paris), key)
    assert.notEqual(canonicalKey('3####Tue Mar 04 2025 12:00:00 GMT+0100 (CET)'), key)
  })
})
