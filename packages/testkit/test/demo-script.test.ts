import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../../scripts/demo.ts', import.meta.url))

interface Demo {
  child: ChildProcess
  output(): string
  /** Resolves when the output matches; rejects when the demo ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  end(): Promise<number | null>
}

function start(folder: string, ...args: string[]): Demo {
  const child = spawn(process.execPath, [SCRIPT, '--into', folder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let output = ''
  const closed = once(child, 'close') as Promise<[number | null]>
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', part => {
      output += part
      child.emit('said')
    })
  }
  return {
    child,
    output: () => output,
    async says(pattern) {
      for (;;) {
        const match = pattern.exec(output)
        if (match) return match
        const [event] = await Promise.race([once(child, 'said').then(() => ['said']), closed.then(() => ['closed'])])
        if (event === 'closed' && !pattern.test(output))
          throw new Error(`The demo ended without saying ${pattern}:\n${output}`)
      }
    },
    end: async () => (await closed)[0],
  }
}

test('npm start shows what arrived, and the second time that nothing is new', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'))
  t.after(() => rm(folder, { recursive: true, force: true }))

  const first = start(folder)
  assert.equal(await first.end(), 0, first.output())
  assert.match(first.output(), /29 bills and 29 files \(\d+\.\d kB\) arrived in \d+\.\d s:/)
  const rows = first.output().match(/^ {2}\d{4}-\d\d-\d\d +-?\d+\.\d\d EUR {2}[AF]\d{6}-\d+ +\S.*\.pdf +\d\.\d kB$/gm)
  assert.equal(rows?.length, 29, first.output())
  assert.equal(rows?.filter(row => /^ {2}\S+ +-/.test(row)).length, 1, 'one credit note')
  assert.match(first.output(), /What next\?/)

  const second = start(folder)
  assert.equal(await second.end(), 0, second.output())
  assert.match(second.output(), /Nothing new in \d+\.\d s: the 29 bills and 29 files of before are still in /)
})

test('a vendor that is down: the reason, and exit 1', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const demo = start(folder, '--mode', 'maintenance')
  assert.equal(await demo.end(), 1)
  // Two pipes: which one is read first is up to the system.
  assert.match(demo.output(), /VENDOR_DOWN/)
  assert.match(demo.output(), /The demo failed: The konnector did not succeed \(exit 1\)/)
  const unknown = start(folder, '--mode', 'sunny')
  assert.equal(await unknown.end(), 1)
  assert.match(unknown.output(), /Unknown behaviour sunny\. Known: slow/)
})

test('Ctrl-C ends it in the middle; --keep leaves the vendor until then', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const slow = start(folder, '--mode', 'slow')
  await slow.says(/Authenticating/)
  slow.child.kill('SIGINT')
  assert.equal(await slow.end(), 130, slow.output())

  const kept = start(folder, '--keep')
  const [, url] = await kept.says(/The vendor stays at (http:\S+) /)
  assert.equal((await fetch(`${url}/login`)).status, 200)
  kept.child.kill('SIGINT')
  assert.equal(await kept.end(), 0, kept.output())
  await assert.rejects(fetch(`${url}/login`))
})
