import assert from 'node:assert/strict'
import { test } from 'node:test'
import { criticalOf, openWorkshop } from '../core/konnector-process.ts'

// real-usage.md section 10, 1: `new BaseKonnector(start)` exported, `start` declared later in the file, using `this`.
test('pattern 1: a hoisted start function with this; the export is a promise', async () => {
  await using workshop = await openWorkshop()
  const ended = await workshop.run(`
    const { BaseKonnector } = require('cozy-konnector-libs')
    module.exports = new BaseKonnector(start)
    console.log('> promise ' + (module.exports instanceof Promise))
    const VENDOR = 'acme' // used below: the run begins after the file was read
    async function start(fields) {
      await this.notifySuccessfulLogin()
      console.log('>> ' + [VENDOR, fields.login, this.accountId, typeof this.saveBills, this instanceof BaseKonnector].join(' '))
    }
  `)
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(ended.stdout, /> promise true\n/)
  assert.match(ended.stdout, />> acme me@mail\.net acc1 function true\n/)
  assert.equal(criticalOf(ended), undefined)
  assert.equal((await workshop.account()).state, 'LOGIN_SUCCESS')
})
