import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { criticalOf, openWorkshop } from '../core/konnector-process.ts'

const CLI = join(import.meta.dirname, '../../../cli/src/bin.ts')

// real-usage.md section 10, 16: two entries in one repository, the second for the deletion of the account (nextcloud),
// beside sources of a client-side konnector that the server's build has nothing to do with (pronote).
test('pattern 16: a repository with two entries is built whole, and both run on a stack', async () => {
  await using workshop = await openWorkshop()
  const root = join(workshop.folder, 'repository')
  const files = {
    'package.json': '{ "name": "acme", "dependencies": { "cozy-konnector-libs": "5.13.0" } }',
    'manifest.konnector': JSON.stringify({
      slug: 'acme',
      version: '1.0.0',
      type: 'konnector',
      on_delete_account: 'onDeleteAccount.js',
    }),
    'src/vendor.js': `module.exports = { host: 'vendor.test' }`,
    'src/index.js': `
      const { BaseKonnector, log } = require('cozy-konnector-libs')
      const { host } = require('./vendor')
      module.exports = new BaseKonnector(async function (fields) { log('info', 'collect from ' + host + ' for ' + fields.login) })`,
    'src/onDeleteAccount.js': `
      const { BaseKonnector, log, errors } = require('cozy-konnector-libs')
      const { host } = require('./vendor')
      module.exports = new BaseKonnector(async function () {
        const { account_deleted } = JSON.parse(process.env.COZY_FIELDS)
        if (!account_deleted) throw new Error(errors.UNKNOWN_ERROR)
        log('info', 'sign off from ' + host + ' without account ' + this.accountId)
      })`,
    'client/index.js': `window.fromTheClientSide = true`,
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true })
    await writeFile(join(root, name), content)
  }
  await promisify(execFile)(process.execPath, [CLI, 'build'], { cwd: root, timeout: 60_000 })

  const built = join(root, 'build')
  for (const name of ['index.js', 'onDeleteAccount.js', 'manifest.konnector'])
    assert.ok((await readdir(built)).includes(name), name)
  assert.ok(!(await readFile(join(built, 'index.js'), 'utf8')).includes('fromTheClientSide'))

  const run = await workshop.start(join(built, 'index.js'), {}, built).ended
  assert.equal(run.code, 0, run.stdout + run.stderr)
  assert.ok(run.lines.some(({ message }) => message === 'collect from vendor.test for me@mail.net'))

  const COZY_FIELDS = JSON.stringify({ konnector: 'acme', account_deleted: true })
  const deletion = await workshop.start(join(built, 'onDeleteAccount.js'), { COZY_FIELDS }, built).ended
  assert.equal(deletion.code, 0, deletion.stdout + deletion.stderr)
  assert.ok(deletion.lines.some(({ message }) => message === 'sign off from vendor.test without account undefined'))
  const wrong = await workshop.start(join(built, 'onDeleteAccount.js'), {}, built).ended
  assert.equal(criticalOf(wrong), 'UNKNOWN_ERROR')
})
