import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'
import { ODD_TEXTS, oddValue, writeJson } from './values.ts'
import type { World } from './world.ts'

export interface RawCase {
  bytes: Uint8Array[]
  /** It says all it has to say, so that an answer or an end is due. */
  complete: boolean
}

const whole = (...parts: (string | Uint8Array)[]): RawCase => ({
  bytes: parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  complete: true,
})
const half = (...parts: (string | Uint8Array)[]): RawCase => ({ ...whole(...parts), complete: false })

/** Bytes that are no request, or only the beginning of one. */
export function rawCase(world: World, random: Random): RawCase {
  const auth = `Host: localhost\r\nAuthorization: Bearer ${world.tokens.wide}\r\n`
  const post = (headers: string, body: string) =>
    `POST /data/io.cozy.tests/ HTTP/1.1\r\n${auth}Content-Type: application/json\r\n${headers}\r\n${body}`
  const upload = (headers: string, body: string) =>
    `POST /files/${world.directory}?Type=file&Name=raw${random.seed()} HTTP/1.1\r\n${auth}Content-Type: text/plain\r\n${headers}\r\n${body}`
  const chunked = 'Transfer-Encoding: chunked\r\n'
  return random.pick<() => RawCase>([
    // Not empty lines alone: a server may wait for what comes after them (RFC 9112 §2.2).
    () => whole('\u0001', random.bytes(random.pick([1, 100, 5000])), '\r\n\r\n'),
    () => whole('GET / HTTP/1.1\r\n\r\n'),
    () => whole('GET /\r\n\r\n'),
    () => whole(`GET /version HTTP/1.0\r\n\r\n`),
    () => whole(`GET /version HTTP/${random.pick(['2.0', '9.9', '1.2', 'x', ''])}\r\n${auth}\r\n`),
    () => whole('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => whole(Buffer.from('16030100a5010000a10303', 'hex'), random.bytes(200), '\r\n\r\n'),
    () => whole(`OPTIONS * HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`),
    () => whole(`CONNECT localhost:22 HTTP/1.1\r\n${auth}\r\n`),
    () => whole(`GET http://other.example/data/io.cozy.tests/canary-1 HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`),
    () =>
      whole(
        `GET ${random.pick(['//', '///data', '/%', '?', '#', 'data', '/\u0000', '/a b', '\\', '/data/../../..', '/./data/./'])} HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`,
      ),
    () => whole(`GET /version HTTP/1.1\r\nHost: localhost\r\nHost: other.example\r\nConnection: close\r\n\r\n`),
    () => whole(`GET /version HTTP/1.1\nHost: localhost\n\n`),
    () => whole(`GET /version HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n`),
    () => whole(`GET /version HTTP/1.1\r\nHost : localhost\r\n\r\n`),
    () => whole(`GET /version HTTP/1.1\r\nHost: localhost\r\nX: a\u0000b\r\n\r\n`),
    () => whole(`GET /version HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n`),
    () =>
      whole(
        `GET /version HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(random.pick([20_000, 40_000, 200_000]))}\r\n\r\n`,
      ),
    () => whole(`GET /version HTTP/1.1\r\nHost: localhost\r\n${'X: 1\r\n'.repeat(random.pick([500, 3000]))}\r\n`),
    () =>
      whole(
        `GET /data/${'a'.repeat(random.pick([5000, 30_000, 200_000]))} HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`,
      ),
    () => whole(post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}x')),
    () => whole(post(`Content-Length: 2\r\n${chunked}`, '2\r\n{}\r\n0\r\n\r\n')),
    () =>
      whole(
        post(`Content-Length: ${random.pick(['-1', '1e3', '0x10', '99999999999999999999999', '', '5, 5'])}\r\n`, '{}'),
      ),
    () =>
      whole(
        post(
          `${chunked}Connection: close\r\n`,
          random.pick([
            'zz\r\n{}\r\n0\r\n\r\n',
            '-2\r\n{}\r\n0\r\n\r\n',
            'ffffffffffffffffff\r\n{}\r\n0\r\n\r\n',
            '2;x=1\r\n{}\r\n0\r\n\r\n',
            `2;${'x'.repeat(50_000)}\r\n{}\r\n0\r\n\r\n`,
            '2\n{}\n0\n\n',
            '2\r\n{}X\r\n0\r\n\r\n',
            '1\r\n{\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n',
          ]),
        ),
      ),
    () =>
      whole(
        post(
          `Transfer-Encoding: ${random.pick(['gzip', 'identity', 'chunked, gzip', 'gzip, chunked', 'x', 'chunked, chunked'])}\r\n`,
          '2\r\n{}\r\n0\r\n\r\n',
        ),
      ),
    () => whole(post(`Content-Encoding: gzip\r\nContent-Length: 20\r\nConnection: close\r\n`, 'x'.repeat(20))),
    () => whole(post(`Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n`, '{}')),
    () => whole(post(`Expect: the-unexpected\r\nContent-Length: 2\r\nConnection: close\r\n`, '{}')),
    () => whole(`GET /version HTTP/1.1\r\n${auth}Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n`),
    () =>
      whole(
        `GET /data/io.cozy.tests/doc-1 HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n`,
      ),
    () =>
      whole(
        `GET /realtime/ HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${random.pick(['1', '99', 'x', ''])}\r\nSec-WebSocket-Key: ${random.pick(['', 'short', 'dGhlIHNhbXBsZSBub25jZQ=='])}\r\n\r\n`,
      ),
    () =>
      whole(
        `${random.pick(['POST', 'PUT'])} /realtime/ HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      ),
    () => whole(`GET /version HTTP/1.1\r\n${auth}\r\n`.repeat(50)),
    () => whole(`GET /version HTTP/1.1\r\n${auth}Content-Length: 1000\r\n\r\n`, 'x'.repeat(1000)),
    () => half(`GET /version HTTP/1.1\r\n${auth}`),
    () => half('G'),
    () => half(''),
    () => half(post('Content-Length: 5000\r\n', '{"a":')),
    () => half(post(chunked, '5\r\n{"a"')),
    () => half(upload('Content-Length: 500000\r\n', 'x'.repeat(60_000))),
    () => half(upload(chunked, `ffff\r\n${'x'.repeat(3000)}`)),
    () => whole(upload(`${chunked}Connection: close\r\n`, `3\r\nabc\r\nXX\r\n`)),
    () => whole(upload('Content-Length: 3\r\nContent-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\nConnection: close\r\n', 'abc')),
  ])()
}

/** A websocket of the realtime room, and what a client should not say to it. */
export function websocketCase(world: World, random: Random): RawCase {
  const upgrade = `GET /realtime/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: io.cozy.websocket\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`
  const say = (value: unknown) => frame(Buffer.from(typeof value === 'string' ? value : writeJson(value)))
  const auth = say({ method: 'AUTH', payload: world.tokens.wide })
  const subscription = () => ({
    method: random.pick(['SUBSCRIBE', 'UNSUBSCRIBE', 'subscribe']),
    payload: { type: 'io.cozy.tests', id: 'doc-1', since: '0-0' },
  })
  const spoiled = () => {
    const message: Record<string, unknown> = subscription()
    const payload = message.payload as Record<string, unknown>
    random.pick<() => void>([
      () => {
        message.method = oddValue(random)
      },
      () => {
        message.payload = oddValue(random)
      },
      () => {
        payload.type = oddValue(random)
      },
      () => {
        payload.id = oddValue(random)
      },
      () => {
        payload.since = random.chance(0.5) ? random.pick(ODD_TEXTS) : oddValue(random)
      },
      () => {
        payload.type = random.pick(['io.cozy.files', 'io.cozy.canaries', 'io.cozy.permissions', ...ODD_TEXTS])
      },
    ])()
    return say(message)
  }
  const odd = () =>
    random.pick<() => Buffer>([
      spoiled, spoiled, spoiled, spoiled,
      () => say({ method: 'AUTH', payload: oddValue(random) }),
      () => say({ method: 'AUTH', payload: random.pick(Object.values(world.tokens)) }),
      () => say(random.pick(ODD_TEXTS)),
      () => frame(random.bytes(50)),
      () => frame(random.bytes(50), { opcode: 2 }),
      () => frame(Buffer.from('{'), { opcode: 1, fin: false }),
      () => frame(Buffer.from('x'), { opcode: 0 }),
      () => frame(Buffer.from('x'), { opcode: random.pick([3, 7, 11, 15]) }),
      () => frame(random.bytes(random.pick([0, 1, 2, 125])), { opcode: random.pick([8, 9, 10]) }),
      () => frame(random.bytes(200), { opcode: 9 }),
      () => frame(Buffer.alloc(random.pick([8191, 8193, 70_000]), 'x')),
      () => frame(Buffer.from('{"method":"AUTH"}'), { masked: false }),
      () => frame(Buffer.from('x'), { reserved: 0x40 }),
      () => frame(Buffer.from('x'), { length: 2n ** 62n }),
      () => frame(Buffer.from('x'), { length: 2n ** 63n + 5n }),
      () => random.bytes(100),
      () => Buffer.concat(Array.from({ length: 1500 }, () => say(subscription()))),
    ])() // biome-ignore format: a list
  const frames = Array.from({ length: 1 + random.int(4) }, odd)
  return half(upgrade, ...(random.chance(0.75) ? [auth] : []), ...frames)
}

function frame(
  payload: Uint8Array,
  {
    opcode = 1,
    fin = true,
    masked = true,
    reserved = 0,
    length = BigInt(payload.length),
  }: { opcode?: number; fin?: boolean; masked?: boolean; reserved?: number; length?: bigint } = {},
): Buffer {
  const mask = masked ? randomBytes(4) : Buffer.alloc(0)
  const size =
    length < 126n
      ? Buffer.from([Number(length)])
      : length < 65_536n
        ? Buffer.from([126, Number(length >> 8n), Number(length & 255n)])
        : Buffer.alloc(9)
  if (size.length === 9) {
    size[0] = 127
    size.writeBigUInt64BE(length, 1)
  }
  size[0] = size[0]! | (masked ? 0x80 : 0)
  const data = masked ? payload.map((byte, index) => byte ^ mask[index % 4]!) : payload
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | reserved | opcode]), size, mask, data])
}
