import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startCommand } from '../help/command.ts'
import { CONFIG, MANIFEST, makeProject } from '../help/project.ts'

const WAITING = `console.log('KONNECTOR READY'); setInterval(() => {}, 1000)`

test('a second run on the same folder is refused with a sentence, and passes on another or later', {
  timeout: 60_000,
}, async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': WAITING,
    'quick.js': `console.log('QUICK')`,
  })
  const first = startCommand(['standalone'], project.root)
  await first.says(/KONNECTOR READY/)
  const second = await startCommand(['standalone', 'quick.js'], project.root).ended
  assert.equal(second.code, 1, second.output)
  assert.match(
    second.output,
    /ERROR: \S+importedData\.json is in use by another run\. Wait until it has ended, or save elsewhere: --dir <path>\.\n$/,
  )
  assert.doesNotMatch(second.output, /QUICK|at .*\.ts/)
  const elsewhere = await startCommand(['standalone', 'quick.js', '--dir', 'other'], project.root).ended
  assert.equal(elsewhere.code, 0, elsewhere.output)
  first.child.kill('SIGKILL')
  await first.ended
  const later = await startCommand(['standalone', 'quick.js'], project.root).ended
  assert.equal(later.code, 0, later.output)
})

test('importedData.json edited by hand into something that is not JSON: the place is named, nothing is run or changed', async () => {
  const broken = '{\n  "io.cozy.bills": [\n    { "amount": 12, }\n    { "amount": 13 }\n  ]\n}\n'
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'importedData.json': broken,
    'index.js': `console.log('RAN')`,
  })
  const { code, output } = await startCommand(['standalone'], project.root).ended
  assert.equal(code, 1)
  assert.match(
    output,
    /ERROR: \S+importedData\.json is not valid JSON: .* at line 4, column 5\. Put it right, or remove the file/,
  )
  assert.doesNotMatch(output, /RAN/)
  assert.equal(await project.read('importedData.json'), broken)
  assert.deepEqual(
    readdirSync(project.root).filter(name => name.startsWith('.')),
    [],
  )
})

test('a data file that cannot be written at the end is told after what the konnector did, and nothing is lost', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': `
      const fs = require('fs')
      const { addData } = require('cozy-konnector-libs')
      addData([{ vendor: 'Tiny', amount: 1 }], 'io.cozy.bills').then(() => {
        fs.rmSync('importedData.json', { force: true })
        fs.mkdirSync('importedData.json/in the way', { recursive: true })
      })`,
  })
  const { code, output } = await startCommand(['standalone'], project.root).ended
  assert.equal(code, 1, output)
  const told = output.match(/ERROR: \S+importedData\.json could not be written \(.*\)\. Nothing is lost: .*/g)
  assert.equal(told?.length, 1, output)
  assert.match(output, /io\.cozy\.bills +1 new/)
  assert.doesNotMatch(output, /at .*\.ts/)
  await rm(join(project.root, 'importedData.json'), { recursive: true })
  await project.write('index.js', '')
  const next = await startCommand(['standalone'], project.root).ended
  assert.equal(next.code, 0, next.output)
  assert.equal((await project.json('importedData.json'))['io.cozy.bills']?.length, 1)
})
