import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startVendor } from '../request/vendor.ts'
import { criticalOf, openWorkshop } from './konnector-process.ts'

let workshop: Awaited<ReturnType<typeof openWorkshop>>
before(async () => {
  workshop = await openWorkshop()
})
after(() => workshop[Symbol.asyncDispose]())

const REQUIRE = `const { BaseKonnector, CookieKonnector, cozyClient, errors, log, utils } = require('cozy-konnector-libs')\n`
const run = (source: string, env: Record<string, string | undefined> = {}) => workshop.run(REQUIRE + source, env)
/** A konnector that runs this and prints what it returns. */
const printing = (body: string, env: Record<string, string | undefined> = {}) =>
  run(
    `new BaseKonnector(async function (fields, parameters) { console.log('> ' + JSON.stringify(await (async () => { ${body} })())) })`,
    env,
  )
const printed = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
  const line = stdout.split('\n').find(text => text.startsWith('> '))
  assert.ok(line, `nothing printed: ${stdout}${stderr}`)
  return line === '> undefined' ? undefined : JSON.parse(line.slice(2))
}

describe('the function form', () => {
  it('says what it is doing, and ends when nothing is left to do', async () => {
    const ended = await run(`new BaseKonnector(() => { setTimeout(() => console.log('> later'), 50) })`)
    assert.equal(ended.code, 0)
    assert.deepEqual(
      ended.lines.filter(({ namespace }) => namespace === 'BaseKonnector').map(({ type, message }) => [type, message]),
      [
        ['debug', 'Preparing konnector...'],
        ['debug', 'Running konnector main...'],
        ['debug', 'The connector has been run'],
      ],
    )
    // A fetch that is not async is done at once; its timers are still waited for, because nobody calls process.exit.
    assert.ok(ended.stdout.indexOf('The connector has been run') < ended.stdout.indexOf('> later'), ended.stdout)
  })

  it('keeps the account as a Secret, reads no fields from the trigger', async () => {
    const COZY_FIELDS = JSON.stringify({ account: 'acc1', fields: { login: 'other', extra: 1 } })
    const ended = await printing(
      `let refused; try { log('info', this._account) } catch (error) { refused = error.message }
       return [fields, this._account.auth.login, refused]`,
      { COZY_FIELDS },
    )
    assert.deepEqual(printed(ended), [
      { login: 'me@mail.net', password: 'hunter22' },
      'me@mail.net',
      'You should log a secret with log.secret',
    ])
    assert.ok(ended.lines.some(({ type, message }) => type === 'info' && message?.includes('No folder_to_save')))
  })

  it('gives account fields, folder path and parameters', async () => {
    const ended = await printing('return [fields, parameters]', { COZY_PARAMETERS: '{"a":1}' })
    assert.deepEqual(printed(ended), [{ login: 'me@mail.net', password: 'hunter22', folderPath: '/' }, { a: 1 }])
    assert.deepEqual(printed(await printing('return parameters')), null)
    assert.deepEqual(printed(await printing('return parameters', { COZY_PARAMETERS: undefined })), {})
  })

  it('reads COZY_FIELDS as older documentation nests it', async () => {
    const nested = {
      data: { attributes: { arguments: { account: 'acc1', folder_to_save: 'io.cozy.files.root-dir' } } },
    }
    const ended = await printing('return fields.folderPath', { COZY_FIELDS: JSON.stringify(nested) })
    assert.equal(printed(ended), '/')
  })

  it('without account has no fields, and warns', async () => {
    const ended = await printing('return [fields, this.accountId]', { COZY_FIELDS: undefined })
    assert.deepEqual(printed(ended), [{}, null])
    assert.ok(ended.lines.some(({ type, message }) => type === 'warn' && message?.includes('No account')))
  })

  it('FIX-1: deactivates the automatic success once', async () => {
    await workshop.changeAccount({ state: null })
    const ended = await printing(`
      await this.deactivateAutoSuccessfulLogin()
      const first = this._account._rev
      await this.deactivateAutoSuccessfulLogin()
      return [this._account.state, this._account._rev === first]`)
    // the arrow function inside sees the konnector's this
    assert.deepEqual(printed(ended), ['HANDLE_LOGIN_SUCCESS', true])
  })

  it('FIX-1: has the handlers for what nobody catches, and for signals', async () => {
    const lost = await run(
      `new BaseKonnector(async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 5000)) })`,
    )
    assert.equal(lost.code, 1)
    const line = lost.lines.at(-1)
    assert.deepEqual([line?.type, line?.message, line?.label], ['critical', 'lost', 'unhandled exception'])
    assert.equal(line?.namespace, 'Error Interception')

    const thrown = await run(
      `new BaseKonnector(async () => { setImmediate(() => { throw null }); await new Promise(r => setTimeout(r, 5000)) })`,
    )
    assert.deepEqual(
      [thrown.code, criticalOf(thrown), thrown.lines.at(-1)?.label],
      [1, 'UNKNOWN_ERROR', 'uncaught exception'],
    )

    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const path = await workshop.write(
        `${REQUIRE}new BaseKonnector(async () => { log('info', 'ready'); await new Promise(r => setTimeout(r, 20000)) })`,
      )
      const started = workshop.start(path)
      await started.said(/"message":"ready"/)
      started.child.kill(signal)
      const ended = await started.ended
      assert.deepEqual([ended.code, criticalOf(ended)], [code, `The konnector got a ${signal}`])
    }
  })
})

describe('a failure', { concurrency: 3 }, () => {
  const cases: [name: string, thrown: string, critical: string][] = [
    ['an Error', `new Error('LOGIN_FAILED')`, 'LOGIN_FAILED'],
    ['FIX-2: null', 'null', 'UNKNOWN_ERROR'],
    ['FIX-2: undefined', 'undefined', 'UNKNOWN_ERROR'],
    ['an object', '{ code: 1 }', '[object Object]'],
    ['a very long text', `'x'.repeat(40000)`, 'x'.repeat(32767)],
  ]
  for (const [name, thrown, critical] of cases) {
    it(`by ${name} ends the job`, async () => {
      const ended = await run(`new BaseKonnector(async () => { throw ${thrown} })`)
      assert.equal(ended.code, 1)
      assert.equal(criticalOf(ended), critical)
    })
  }

  it('with no_retry says so', async () => {
    const ended = await run(
      `new BaseKonnector(async () => { throw Object.assign(new Error('X'), { no_retry: true }) })`,
    )
    assert.equal(ended.lines.at(-1)?.no_retry, true)
  })

  it('warns, says where it was caught, and is the last line', async () => {
    const { lines } = await run(`new BaseKonnector(async () => { throw new Error('LOGIN_FAILED') })`)
    assert.deepEqual(
      lines.slice(-3).map(({ type, message }) => [type, message]),
      [
        ['warn', 'Error from konnector'],
        ['debug', 'Error caught by BaseKonnector'],
        ['critical', 'LOGIN_FAILED'],
      ],
    )
  })

  it('of the vendor does not put its whole page in the log', async () => {
    await using vendor = await startVendor((_seen, response) => void response.writeHead(503).end('x'.repeat(20_000)))
    const ended = await run(
      `new BaseKonnector(() => require('cozy-konnector-libs').requestFactory({ json: false })('${vendor.url}'))`,
    )
    assert.equal(criticalOf(ended), 'VENDOR_DOWN')
    const line = ended.lines.find(({ label }) => label === 'the vendor does not answer')
    assert.match(line?.message ?? '', /^503 - "x{490,500}… \(20008 characters\)$/)
  })

  it('by terminate stops at once', async () => {
    const ended = await run(
      `new BaseKonnector(async function () { this.terminate('LOGIN_FAILED'); log('info', 'never') })`,
    )
    assert.deepEqual([ended.code, criticalOf(ended)], [1, 'LOGIN_FAILED'])
    assert.ok(!ended.stdout.includes('never'))
  })

  it('of a fetch that is not async', async () => {
    const ended = await run(`new BaseKonnector(() => { throw new Error('SYNC') })`)
    assert.equal(criticalOf(ended), 'SYNC')
  })

  it('of the environment: fields that are no JSON, account and folder that are not there', async () => {
    const ended = await run('new BaseKonnector(() => {})', { COZY_FIELDS: '{' })
    assert.match(criticalOf(ended) ?? '', /JSON/)
    const parameters = await run('new BaseKonnector(() => {})', { COZY_PARAMETERS: '{' })
    assert.match(criticalOf(parameters) ?? '', /JSON/)
    const account = await run('new BaseKonnector(() => {})', { COZY_FIELDS: '{"account":"nope"}' })
    assert.equal(criticalOf(account), 'CANNOT_FIND_ACCOUNT')
    assert.equal(account.lines.filter(({ type }) => type === 'error').length, 2)
    const folder = await run('new BaseKonnector(() => {})', {
      COZY_FIELDS: '{"account":"acc1","folder_to_save":"nope"}',
    })
    assert.equal(criticalOf(folder), 'NOT_EXISTING_DIRECTORY')
  })
})

describe('the class form', () => {
  it('runs fetch of the subclass, or main, then end', async () => {
    const ended = await run(`
      class Mine extends BaseKonnector {
        async fetch(fields) { log('info', 'fetch ' + fields.login) }
        async end() { log('info', 'end'); return super.end() }
      }
      new Mine().run()`)
    assert.equal(ended.code, 0, ended.stderr)
    assert.deepEqual(
      ended.lines.filter(({ type }) => type === 'info').map(({ message }) => message),
      ['fetch me@mail.net', 'end'],
    )
    const main = await run(
      `class Mine extends BaseKonnector { main(fields, parameters) { log('info', 'main ' + fields.login) } }\nnew Mine().run()`,
    )
    assert.ok(main.stdout.includes('main me@mail.net'))
  })

  it('on failure calls fail and not end', async () => {
    const ended = await run(`
      class Mine extends BaseKonnector {
        async fetch() { throw new Error('broken') }
        async end() { log('info', 'end') }
        async fail(error) { log('info', 'fail ' + error.message) }
      }
      new Mine().run()`)
    assert.equal(ended.code, 0)
    assert.deepEqual(
      ended.lines.filter(({ type }) => type === 'info').map(({ message }) => message),
      ['fail broken'],
    )
  })

  it('without fetch says what is missing', async () => {
    assert.match(criticalOf(await run('new BaseKonnector().run()')) ?? '', /has no fetch method/)
  })

  it('may bring its own getAccount', async () => {
    const ended = await run(`
      class Mine extends BaseKonnector {
        async getAccount() { return { _id: 'own', auth: { a: 1, x: 'auth' }, oauth: { access_token: 't0ken-t0ken', x: 'oauth' }, data: { kept: 1 } } }
        async fetch(fields) { console.log('> ' + JSON.stringify([fields, this.accountId, this.getAccountData().kept])) }
      }
      new Mine().run()`)
    assert.deepEqual(printed(ended), [{ a: 1, access_token: 't0ken-t0ken', x: 'oauth', folderPath: '/' }, 'own', 1])
  })
})

describe('readPayload', () => {
  const read = 'return this.readPayload()'
  it('FIX-3: is null without payload, for an empty one, and for null', async () => {
    for (const COZY_PAYLOAD of [undefined, '', 'null'])
      assert.equal(printed(await printing(read, { COZY_PAYLOAD })), null)
  })

  it('reads JSON, and the file beside the script', async () => {
    assert.deepEqual(printed(await printing(read, { COZY_PAYLOAD: '{"a":1}' })), { a: 1 })
    await writeFile(join(workshop.folder, 'cozy_payload.json'), '{"big":true}')
    const elsewhere = join(workshop.folder, 'elsewhere')
    await mkdir(elsewhere)
    const path = await workshop.write(
      `${REQUIRE}new BaseKonnector(async function () { console.log('> ' + JSON.stringify(await this.readPayload())) })`,
    )
    assert.deepEqual(printed(await workshop.start(path, { COZY_PAYLOAD: '@cozy_payload.json' }, elsewhere).ended), {
      big: true,
    })
  })

  it('says what is wrong', async () => {
    assert.equal(criticalOf(await printing(read, { COZY_PAYLOAD: '{' })), 'Could not parse JSON in COZY_PAYLOAD: {')
    assert.match(
      criticalOf(await printing(read, { COZY_PAYLOAD: '@none.json' })) ?? '',
      /^Error while reading file .*none\.json payload: ENOENT/,
    )
  })
})

describe('secrets', () => {
  it('of the account, the token and the parameters never reach the log', async () => {
    const ended = await run(
      `new BaseKonnector(async (fields, parameters) => {
        for (const type of ['debug', 'info', 'warn', 'error']) {
          log(type, 'password is ' + fields.password, fields.password)
          log(type, new Error(JSON.stringify([fields, parameters, process.env.COZY_CREDENTIALS])))
        }
        throw new Error('cannot log in with ' + encodeURIComponent(fields.password) + ' at ' + parameters.secret.apiKey)
      })`,
      { COZY_PARAMETERS: '{"secret":{"apiKey":"k3y-k3y-k3y"}}' },
    )
    assert.equal(criticalOf(ended), 'cannot log in with *** at ***')
    for (const secret of ['hunter22', 'k3y-k3y-k3y', workshop.environment.COZY_CREDENTIALS])
      assert.ok(!ended.stdout.includes(secret), secret)
  })
})

describe('SENTRY_DSN', () => {
  it('set by the konnector sends nothing, and changes nothing', async () => {
    const ended = await workshop.run(
      `process.env.SENTRY_DSN = process.env.SENTRY_DSN || 'http://a:b@127.0.0.1:9/1'\n${REQUIRE}
       const { wrapIfSentrySetUp } = require('cozy-konnector-libs')
       const target = { method() {} }, method = target.method
       wrapIfSentrySetUp(target, 'method')
       new BaseKonnector(async () => { throw new Error('X' + (target.method === method)) })`,
    )
    assert.deepEqual([ended.code, criticalOf(ended)], [1, 'Xtrue'])
    assert.ok(ended.lines.some(({ type, message }) => type === 'debug' && message?.includes('nothing is reported')))
  })
})

describe('the global fetch', () => {
  it('gives responses that also work like those of node-fetch, during a run', async () => {
    const ended = await printing(`
      const url = 'data:text/plain,hello'
      const one = await (await fetch(url)).buffer()
      const two = await new Promise((resolve, reject) => {
        let text = ''
        fetch(url).then(({ body }) => body.on('data', chunk => { text += chunk }).on('end', () => resolve(text)).on('error', reject))
      })
      return [Buffer.isBuffer(one), String(one), two, await (await fetch(url)).text(), (await fetch(url)) instanceof Response]`)
    assert.deepEqual(printed(ended), [true, 'hello', 'hello', 'hello', true])
  })
})

describe('globals', () => {
  it('are left alone by the require', async () => {
    const ended = await workshop.run(`
      const util = require('util'), before = [globalThis.fetch, globalThis.Headers, JSON.stringify(util.inspect.defaultOptions)]
      for (const value of Object.values(require('cozy-konnector-libs'))) void value
      const after = [globalThis.fetch, globalThis.Headers, JSON.stringify(util.inspect.defaultOptions)]
      console.log(before.every((value, i) => value === after[i]), process.listenerCount('SIGTERM'))`)
    assert.equal(ended.stdout, 'true 0\n')
  })
})
