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
  const rows = first.output().match(/^ {2}\d{4}-\d\d-\d\d +-?\d+\.\d\d EUR {2}\S.*\.pdf +\d\.\d kB$/gm)
  assert.equal(rows?.length, 10, first.output())
  assert.match(first.output(), /^ {2}… and 19 more$/m)
  assert.match(first.output(), /^ {2}Found 29 invoices$/m, 'the konnector’s own words')
  const lines = first.output().split('\n')
  assert.ok(lines.length <= 40, `${lines.length} lines`)
  assert.ok(Math.max(...lines.map(line => line.length)) <= 120, first.output())
  assert.equal(rows?.filter(row => /^ {2}\S+ +-/.test(row)).length, 1, 'one credit note')
  assert.match(first.output(), /What next\?/)

  const second = start(folder)
  assert.equal(await second.end(), 0, second.output())
  assert.match(second.output(), /Nothing new in \d+\.\d s: the 29 bills and 29 files of before are still in /)
})

test('a bad day that was asked for: the konnector’s reason, and exit 0; with --verbose all its lines', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const demo = start(folder, '--mode', 'maintenance')
  assert.equal(await demo.end(), 0, demo.output())
  assert.match(demo.output(), /^ {2}critical: VENDOR_DOWN$/m)
  assert.match(demo.output(), /the vendor had a bad day \(maintenance\)\. The konnector ended with VENDOR_DOWN\./)
  const verbose = start(folder, '--mode', 'maintenance', '--verbose')
  assert.equal(await verbose.end(), 0, verbose.output())
  assert.match(verbose.output(), /BaseKonnector: debug : Preparing konnector/)
  assert.match(verbose.output(), /The konnector ended with VENDOR_DOWN\./)
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
