import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { before, test } from 'node:test'
import { connect } from 'node:tls'
import { readClientHello } from '../../src/gate/client-hello.ts'

/** What a real client sends first. */
async function hello(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const client = connect({ port: typeof address === 'object' ? address!.port : 0, host: '127.0.0.1', servername })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  let bytes = Buffer.alloc(0)
  while (readClientHello(bytes).state === 'more') {
    const [chunk] = await once(socket, 'data')
    bytes = Buffer.concat([bytes, chunk])
  }
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}

let real: Buffer
before(async () => {
  real = await hello('vendor.test')
})

test('reads the name of a real handshake, whole and in pieces', async () => {
  const whole = { state: 'read', serverName: 'vendor.test', isEncrypted: false }
  assert.deepEqual(readClientHello(real), whole)
  for (let length = 1; length < real.length; length++) {
    assert.equal(readClientHello(real.subarray(0, length)).state, 'more', `after ${length} bytes`)
  }
  assert.deepEqual(readClientHello(await hello('')), { ...whole, serverName: undefined })
})

test('reads one spread over many records, and leaves alone what follows', () => {
  const handshake = real.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < handshake.length; at += 7) {
    const part = handshake.subarray(at, at + 7)
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part)
  }
  const spread = Buffer.concat(records)
  assert.deepEqual(readClientHello(spread), readClientHello(real))
  assert.deepEqual(readClientHello(Buffer.concat([spread, Buffer.from([20, 3, 3, 0, 1, 1])])), readClientHello(real))
})

test('two names, a list of names, a hidden name: none of them passes', () => {
  const made = (extensions: Buffer) => {
    const body = Buffer.concat([
      Buffer.from([3, 3]),
      Buffer.alloc(32),
      Buffer.from([0, 0, 2, 0x13, 1, 1, 0]),
      u16(extensions.length),
      extensions,
    ])
    const handshake = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body])
    return Buffer.concat([Buffer.from([22, 3, 1]), u16(handshake.length), handshake])
  }
  const extension = (type: number, body: Buffer) => Buffer.concat([u16(type), u16(body.length), body])
  const names = (...list: string[]) => {
    const inner = Buffer.concat(
      list.map(name => Buffer.concat([Buffer.from([0]), u16(name.length), Buffer.from(name)])),
    )
    return extension(0, Buffer.concat([u16(inner.length), inner]))
  }
  assert.deepEqual(readClientHello(made(names('A.test.'))), { state: 'read', serverName: 'a.test', isEncrypted: false })
  assert.equal(readClientHello(made(Buffer.concat([names('a.test'), names('b.test')]))).state, 'broken')
  assert.equal(readClientHello(made(names('a.test', 'b.test'))).state, 'broken')
  const hidden = readClientHello(made(Buffer.concat([names('a.test'), extension(0xfe0d, Buffer.alloc(8))])))
  assert.equal(hidden.state === 'read' && hidden.isEncrypted, true)
})

test('no bytes make it throw or wait for ever', () => {
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(real)
    for (let change = 0; change <= round % 5; change++)
      bytes[Math.floor(Math.random() * bytes.length)] = Math.floor(Math.random() * 256)
    readClientHello(bytes.subarray(0, Math.floor(Math.random() * bytes.length)))
    readClientHello(randomBytes(round % 300))
  }
  assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')).state, 'broken')
  assert.equal(
    readClientHello(Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), Buffer.alloc(20_000)])).state,
    'broken',
  )
})

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255])
}
