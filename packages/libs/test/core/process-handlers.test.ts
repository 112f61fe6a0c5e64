import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { attachProcessEventHandlers, messageOf } from '../../src/process-handlers.ts'

const EVENTS = ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT'] as const

describe('attachProcessEventHandlers', () => {
  it('attaches once, until detached', () => {
    const target = new EventEmitter()
    const counts = () => EVENTS.map(event => target.listenerCount(event))
    const detach = attachProcessEventHandlers(target as never)
    assert.deepEqual(counts(), [1, 1, 1, 1])
    assert.equal(attachProcessEventHandlers(target as never), undefined)
    assert.deepEqual(counts(), [1, 1, 1, 1])
    detach?.()
    assert.deepEqual(counts(), [0, 0, 0, 0])
    attachProcessEventHandlers(target as never)?.()
    assert.deepEqual(counts(), [0, 0, 0, 0])
  })
})

describe('messageOf', () => {
  it('finds the message of whatever was thrown', () => {
    assert.equal(messageOf(new Error('x')), 'x')
    assert.equal(messageOf('text'), 'text')
    for (const nothing of [null, undefined, '', 0]) assert.equal(messageOf(nothing), 'UNKNOWN_ERROR')
  })
})
