import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Stored } from '@konnectory/protocol'
import { billsKonnector, fileOf, startBillsVendor } from '../help/bills-vendor.ts'
import { isRunning, startCommand } from '../help/command.ts'
import { CONFIG, MANIFEST, makeProject } from '../help/project.ts'

const BILLS = 200
const LONG = process.env.KONNECTORY_LONG === '1'
const KILLS = LONG ? 100 : 10
/** Kills in one folder before it starts afresh: there must be something left to save for each. */
const KILLS_PER_FOLDER = 10

/** Files on disk, each checked to be whole. */
function wholeFiles(data: string): string[] {
  if (!existsSync(data)) return []
  const names = readdirSync(data).filter(name => name.endsWith('.pdf'))
  for (const name of names) {
    const expected = fileOf(Number(/bill-(\d+)\.pdf$/.exec(name)![1]))
    assert.ok(readFileSync(join(data, name)).equals(expected), `${name} is not whole`)
  }
  return names
}

test(`${KILLS} times kill -9 in the middle of ${BILLS} bills: the konnector ends too, nothing is doubled, halved or lost`, {
  timeout: KILLS * 10_000 + 60_000,
}, async () => {
  for (let done = 0; done < KILLS; done += KILLS_PER_FOLDER) await killAndFinish(KILLS_PER_FOLDER)
})

test('a konnector that only waits ends with its killed command, and so does what it started', {
  timeout: 60_000,
}, async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': `
      const child = require('child_process').fork(__dirname + '/helper.js')
      child.on('message', text => console.log(text + ' KONNECTOR ' + process.pid + ' HELPER ' + child.pid + ' FOLDER ' + require('path').dirname(process.argv[1]) + ' END'))
      setInterval(() => {}, 1000)`,
    'helper.js': "process.send('leash:' + process.env.KONNECTORY_LEASH); setInterval(() => {}, 1000)",
  })
  const command = startCommand(['standalone'], project.root)
  const [, leash, konnector, helper, folder] = await command.says(
    /leash:(\w+) KONNECTOR (\d+) HELPER (\d+) FOLDER (\S+) END/,
  )
  assert.equal(leash, 'undefined', 'in the helper, that descriptor is its channel')
  assert.ok(isRunning(Number(konnector)) && isRunning(Number(helper)))
  command.child.kill('SIGKILL')
  await command.ended
  const deadline = Date.now() + 5000
  while (isRunning(Number(konnector)) || isRunning(Number(helper))) {
    assert.ok(Date.now() < deadline, 'the konnector or its helper still runs')
    await wait(5)
  }
  assert.ok(!existsSync(folder!), 'the bundle stays')
})

async function killAndFinish(kills: number): Promise<void> {
  await using vendor = await startBillsVendor(BILLS)
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': {
      fields: { login: 'a@b.example', password: 'planted-password' },
      COZY_PARAMETERS: { url: vendor.url },
    },
    'index.js': billsKonnector(25),
  })
  const data = join(project.root, 'data')
  let files: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    const command = startCommand(['standalone', '--dir', 'data'], project.root)
    // A random instant: so many files on, and then anything up to what three files take.
    const after = vendor.downloads.length + 1 + Math.floor(Math.random() * ((BILLS / kills) * 0.9))
    await new Promise<void>(resolve => {
      vendor.onDownload = count => void (count >= after && resolve())
      void command.ended.then(() => resolve())
    })
    await wait(Math.random() * 8)
    const [, pid] = await command.says(/KONNECTOR (\d+)/)
    command.child.kill('SIGKILL')
    assert.equal((await command.ended).signal, 'SIGKILL', command.output())
    const deadline = Date.now() + 5000
    while (isRunning(Number(pid))) {
      assert.ok(Date.now() < deadline, 'the konnector still runs after its command was killed')
      await wait(5)
    }
    const now = wholeFiles(data)
    assert.ok(
      files.every(name => now.includes(name)),
      'a file that was there is gone',
    )
    files = now
  }

  vendor.onDownload = () => undefined
  const last = await startCommand(['standalone', '--dir', 'data'], project.root).ended
  assert.equal(last.code, 0, last.output)
  assert.equal(wholeFiles(data).length, BILLS)
  assert.deepEqual(
    readdirSync(data).filter(name => !name.endsWith('.pdf')),
    ['importedData.json'],
    'what killed runs left is cleaned up',
  )
  const stored = JSON.parse(readFileSync(join(data, 'importedData.json'), 'utf8')) as Record<string, Stored[]>
  const ids = new Map(stored['io.cozy.files']!.filter(doc => doc.type === 'file').map(doc => [doc.name, doc._id]))
  assert.equal(ids.size, BILLS)
  const bills = stored['io.cozy.bills']!
  assert.equal(new Set(bills.map(bill => bill.vendorRef)).size, BILLS)
  assert.equal(bills.length, BILLS, 'a bill is there twice')
  for (const bill of bills) assert.equal(bill.invoice, `io.cozy.files:${ids.get(bill.filename)}`)
  // Only those under way at a kill (4 at a time), and those begun before the konnector ended too, were asked for again.
  const again = vendor.downloads.length - BILLS
  assert.ok(again <= kills * 8, `${again} downloads too many`)

  const idle = await startCommand(['standalone', '--dir', 'data'], project.root).ended
  assert.match(idle.output, new RegExp(`io\\.cozy\\.bills +0 new, 0 updated, ${BILLS} unchanged`))
  assert.equal(vendor.downloads.length - BILLS, again)
}
