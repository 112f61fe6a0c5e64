import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { Dialer, PrivateAddress } from '../../src/gate/dial.ts'

const target = { kind: 'internet', name: 'vendor.test', port: 443, speech: 'tls' } as const

/** Stands for the network: records what is dialled. */
function network(refuses: string[] = []) {
  const dialled: string[] = []
  const connect = async (host: string, port: number) => {
    dialled.push(`${host}:${port}`)
    if (refuses.includes(host)) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    return {} as Socket
  }
  return { dialled, connect }
}

test('dials the very address that was checked, however the answers change', async () => {
  const answers = [['93.184.216.34'], ['127.0.0.1']]
  const { dialled, connect } = network()
  const dialer = new Dialer(async () => answers.shift() ?? ['127.0.0.1'], connect)
  await dialer.addressesOf(target)
  await dialer.dial(target)
  await dialer.dial(target)
  assert.deepEqual(dialled, ['93.184.216.34:443', '93.184.216.34:443'])
})

test('one address inside is enough to refuse a name, and nothing is dialled', async () => {
  const { dialled, connect } = network()
  const dialer = new Dialer(async () => ['93.184.216.34', '10.0.0.1'], connect)
  await assert.rejects(dialer.dial(target), PrivateAddress)
  assert.deepEqual(dialled, [])
})

test('tries the next address when one does not answer, and tells the last failure', async () => {
  const { dialled, connect } = network(['93.184.216.34', '2606:2800:220:1::1'])
  await assert.rejects(new Dialer(async () => ['93.184.216.34', '2606:2800:220:1::1'], connect).dial(target), {
    code: 'ECONNREFUSED',
  })
  assert.deepEqual(dialled, ['93.184.216.34:443', '2606:2800:220:1::1:443'])
})

test('a failed look-up is forgotten at once', async () => {
  let queries = 0
  const { connect } = network()
  const dialer = new Dialer(async () => {
    if (queries++ === 0) throw Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' })
    return ['93.184.216.34']
  }, connect)
  await assert.rejects(dialer.dial(target), { code: 'ETIMEOUT' })
  await dialer.dial(target)
  assert.equal(queries, 2)
})

test('a pinned host and the stack are dialled where the operator said, private or not', async () => {
  const { dialled, connect } = network()
  const dialer = new Dialer(async () => assert.fail('no look-up'), connect)
  await dialer.dial({
    kind: 'pinned',
    name: 'vendor.test',
    port: 443,
    speech: 'tls',
    address: '127.0.0.1',
    dialPort: 8081,
  })
  assert.deepEqual(dialled, ['127.0.0.1:8081'])
})
