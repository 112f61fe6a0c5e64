/** Konnectors that want all of the machine: memory, disk, processor, the log. */
import assert from 'node:assert/strict'
import { statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { test } from 'node:test'
import { marker, processesWith } from '../help/host.ts'
import { openJail } from '../help/jail.ts'

const jail = openJail()
const memory = { memoryMb: 256, seconds: 30 }

/** Not more than that of the machine's memory is gone while `work` runs. */
async function within<T>(megabytes: number, work: Promise<T>): Promise<T> {
  const before = freemem()
  let least = before
  const timer = setInterval(() => {
    least = Math.min(least, freemem())
  }, 20)
  try {
    return await work
  } finally {
    clearInterval(timer)
    const used = Math.round((before - least) / 2 ** 20)
    assert.ok(used < megabytes, `${used} MB of the machine were used`)
  }
}

const bombs: [what: string, source: string][] = [
  ['buffers', `const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))`],
  ['objects', `const all = []; for (;;) all.push({ a: new Array(1000).fill(all.length) })`],
  [
    'strings',
    `let s = 'x'; const all = []; for (;;) { s = s + Math.random() + 'y'.repeat(1e5); all.push(Buffer.from(s).toString('latin1')) }`,
  ],
  [
    'wasm',
    `const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 512 }); new Uint8Array(m.buffer).fill(1); all.push(m) }`,
  ],
  [
    'shared buffers',
    `const all = []; for (;;) { const b = new SharedArrayBuffer(16e6); new Uint8Array(b).fill(1); all.push(b) }`,
  ],
]
for (const [what, source] of bombs) {
  test(`a konnector that fills the memory with ${what} is ended at its limit`, async () => {
    const result = await within(1500, jail.run(source, { limits: memory }))
    // V8 may also say no by an exception, which ends the konnector like any other of its mistakes.
    const isOwnMistake = result.end === 'exit' && result.code !== 0
    assert.ok(
      isOwnMistake || result.cause === 'memory',
      `${result.end} ${result.cause} ${result.code} ${result.signal}`,
    )
  })
}

test('a konnector that fills the memory from many processes is ended for all of them together', async () => {
  const name = marker()
  const result = await within(
    2500,
    jail.run(
      `for (let i = 0; i < 12; i++) cp.spawn(process.execPath, ['-e', 'const all = []; setInterval(() => { if (all.length < 15) all.push(Buffer.alloc(8e6, 1)) }, 20)', '${name}'], { stdio: 'ignore' }); setInterval(() => {}, 1000)`,
      { limits: memory },
    ),
  )
  assert.deepEqual([result.end, result.cause], ['limit', 'memory'])
  assert.ok(result.peakMb >= 256, `${result.peakMb} MB seen`)
  assert.deepEqual(processesWith(name), [])
})

test('a konnector that fills the disk fills its own /tmp', async () => {
  const before = statfsSync(tmpdir()).bavail
  const result = await jail.run(
    `const b = Buffer.alloc(1e6, 1)
    attempt('many', () => { for (let i = 0; ; i++) fs.writeFileSync('/tmp/f' + i, b) })
    for (const f of fs.readdirSync('/tmp')) fs.unlinkSync('/tmp/' + f)
    attempt('one', () => { const fd = fs.openSync('/tmp/one', 'w'); for (;;) fs.writeSync(fd, b) })
    attempt('sparse', () => fs.truncateSync('/tmp/one', 1e12))
    attempt('elsewhere', () => fs.writeFileSync('/run/x', b))`,
    { limits: { tmpMb: 16, fileMb: 8 } },
  )
  assert.deepEqual(result.tries, { many: 'ENOSPC', one: 'EFBIG', sparse: 'EFBIG', elsewhere: 'EROFS' })
  assert.ok(statfsSync(tmpdir()).bavail > before - 20_000, 'the disk of the host is as it was')
})

test('a konnector that makes files without end is ended', async () => {
  const result = await jail.run(`for (let i = 0; ; i++) fs.writeFileSync('/tmp/' + i, '')`, {
    limits: { tmpFiles: 1000, seconds: 30 },
  })
  assert.deepEqual([result.end, result.cause], ['limit', 'disk'])
  assert.match(result.remarks.join(), /1000 in all/)
})

test('a konnector that opens files without end gets to its limit', async () => {
  const result = await jail.run(`attempt('open', () => { for (;;) fs.openSync('/dev/null', 'r') })`, {
    limits: { openFiles: 64 },
  })
  assert.equal(result.tries.open, 'EMFILE')
})

test('a konnector that burns the processor is ended by its own limit, before its time', async () => {
  const result = await jail.run(`for (;;);`, { limits: { seconds: 30, cpuSeconds: 1 } })
  assert.deepEqual([result.end, result.cause, result.signal], ['limit', 'cpu', 'SIGXCPU'])
  assert.ok(result.cpuMs >= 500 && result.cpuMs < 5000, `${result.cpuMs} ms`)
})

test('a konnector that floods stdout: lines are counted beyond the limit, the last critical is kept', async () => {
  const result = await jail.run(
    `for (let i = 0; i < 200000; i++) fs.writeSync(1, '{"type":"info","message":"' + i + '"}\\n')
    fs.writeSync(1, '{"type":"critical","message":"VENDOR_DOWN"}\\n'); for (let i = 0; i < 1000; i++) fs.writeSync(1, 'more\\n')`,
    { limits: { lines: 100 } },
  )
  assert.equal(result.lines, 100)
  assert.equal(result.dropped.lines, 200_000 - 100 + 1 + 1000)
  assert.equal(result.said.length, 101)
  assert.match(result.said.at(-1)!, /VENDOR_DOWN/)
  assert.deepEqual(result.remarks, [
    'more than 100 lines of output: the rest is not kept',
    '200901 lines of output were not kept',
  ])
  assert.equal(result.code, 0, 'and it was not held up by a full pipe')
})

test('a konnector that prints one line without end has it cut, said, and goes on', async () => {
  const result = await within(
    600,
    jail.run(`for (let i = 0; i < 100; i++) fs.writeSync(1, 'é'.repeat(5e5)); fs.writeSync(1, '\\nnext\\n')`, {
      limits: { lineBytes: 1001 },
    }),
  )
  const [long, next] = result.output
  assert.deepEqual([long!.text, long!.cutFrom, next!.text], ['é'.repeat(500), 100e6, 'next'])
  assert.equal(result.dropped.cutLines, 1)
})

test('a konnector that prints more than it may at all is ended', async () => {
  const result = await jail.run(`for (;;) fs.writeSync(1, 'x'.repeat(60000) + '\\n')`, {
    limits: { outputMb: 5, lines: 10 },
  })
  assert.deepEqual([result.end, result.cause], ['limit', 'output'])
  assert.equal(result.said.length, 10)
})

test('a konnector that floods stderr: its beginning is kept', async () => {
  const result = await jail.run(`for (let i = 0; i < 10000; i++) fs.writeSync(2, 'warning ' + i + '\\n')`, {
    limits: { stderrBytes: 1000 },
  })
  const kept = result.output.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)
  assert.equal(kept[0], 'warning 0')
  assert.ok(kept.join('\n').length <= 1000)
  assert.match(result.remarks.join(), /stderr is longer than 1000 bytes/)
  assert.deepEqual([result.end, result.code], ['exit', 0])
})

test('a konnector that prints what is no text harms nobody', async () => {
  const result = await jail.run(
    `fs.writeSync(1, Buffer.from([0xff, 0xfe, 0, 0x1b, 0x5b, 0x32, 0x4a, 10])); fs.writeSync(1, '{"type":"critical","message":{}}\\n[]\\n{"a":\\n')`,
  )
  assert.equal(result.said.length, 4)
  assert.equal(result.code, 0)
})
