import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { criticalOf, openWorkshop } from './konnector-process.ts'

const SOURCE = `const { BaseKonnector } = require('cozy-konnector-libs')
module.exports = new BaseKonnector(async () => { console.log('it ran') })`

/** As typed by hand: nothing of a server, and not under a test runner either. */
const BY_HAND = {
  COZY_URL: undefined,
  COZY_CREDENTIALS: undefined,
  COZY_FIELDS: undefined,
  NODE_TEST_CONTEXT: undefined,
}

/** A CLI that says how it was called. */
async function installCli(folder: string): Promise<void> {
  const home = join(folder, 'node_modules/konnectory')
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'package.json'), JSON.stringify({ name: 'konnectory', bin: { konnectory: './bin.js' } }))
  await writeFile(
    join(home, 'bin.js'),
    `console.log('cli ' + process.argv.slice(2) + ' ' + process.env.KONNECTORY_RUN); process.exit(7)`,
  )
}

describe('a konnector started by hand', () => {
  it('is run by konnectory standalone when its project has it, with its exit code', async () => {
    await using workshop = await openWorkshop()
    await installCli(workshop.folder)
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{}')
    const path = await workshop.write(SOURCE, 'konnector.js')
    const { code, stdout } = await workshop.start(path, BY_HAND).ended
    assert.equal(code, 7)
    assert.match(stdout, /^No COZY_URL in the environment: running `konnectory standalone konnector\.js` instead\n/)
    assert.match(stdout, /\ncli standalone,konnector\.js hand-over\n$/)
  })

  it('as a directory (node build) is run as its index.js', async () => {
    await using workshop = await openWorkshop()
    await installCli(workshop.folder)
    await writeFile(join(workshop.folder, 'konnector-dev-config.json'), '{}')
    await mkdir(join(workshop.folder, 'build'))
    await workshop.write(SOURCE, 'build/index.js')
    const { code, stdout } = await workshop.start('build', BY_HAND).ended
    assert.equal(code, 7)
    assert.match(stdout, /cli standalone,build\/index\.js hand-over/)
  })

  it('also when the client is used without BaseKonnector', async () => {
    await using workshop = await openWorkshop()
    await installCli(workshop.folder)
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{}')
    const path = await workshop.write(`require('cozy-konnector-libs').cozyClient.data.findAll('io.cozy.bills')`)
    const { code, stdout } = await workshop.start(path, BY_HAND).ended
    assert.equal(code, 7)
    assert.match(stdout, /cli standalone/)
  })

  it('without the CLI ends with a line that says what to do', async () => {
    await using workshop = await openWorkshop()
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{}')
    const ended = await workshop.run(SOURCE, BY_HAND)
    assert.equal(ended.code, 1)
    assert.match(criticalOf(ended) ?? '', /COZY_URL and COZY_CREDENTIALS are not set.*konnectory standalone/)
    assert.ok(!ended.stdout.includes('it ran'))
  })

  it('is not handed over twice, nor outside a project, nor in development', async () => {
    await using workshop = await openWorkshop()
    await installCli(workshop.folder)
    const outside = await workshop.run(SOURCE, BY_HAND)
    assert.deepEqual([outside.code, outside.stdout.includes('cli')], [1, false])
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{}')
    const guarded = await workshop.run(SOURCE, { ...BY_HAND, KONNECTORY_RUN: 'hand-over' })
    assert.deepEqual([guarded.code, guarded.stdout.includes('cli')], [1, false])
    const development = await workshop.run(SOURCE, { ...BY_HAND, NODE_ENV: 'development' })
    assert.deepEqual([development.code, development.stdout.includes('cli')], [1, false])
    assert.match(development.stdout, /critical : COZY_URL and COZY_CREDENTIALS are not set/)
  })
})
