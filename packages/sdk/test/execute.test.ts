import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createLocalStack } from '@konnectory/standalone'
import { defineKonnector, execute } from '../src/index.ts'
import { startVendor } from './vendor-server.ts'

/** A run in this process, without any socket to the stack: what an author's own test does. */
async function runHere(konnector: Parameters<typeof execute>[0], env: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'konnectory-execute-'))
  const stack = createLocalStack({ root, account: { id: 'a', auth: { login: 'me', password: 'hunter22' } } })
  const lines: Record<string, unknown>[] = []
  const outcome = await execute(konnector, {
    env: {
      ...{ COZY_URL: 'http://cozy.test/', COZY_CREDENTIALS: 'token-of-the-run', COZY_FIELDS: '{"account":"a"}' },
      ...env,
    },
    write: text => void lines.push(JSON.parse(text)),
    stackFetch: stack.fetch,
    cwd: root,
  })
  await stack.flush()
  await rm(root, { recursive: true })
  return { outcome, lines }
}

describe('a run as a function call', () => {
  test('gives the konnector everything that belongs to it', async () => {
    let seen: Record<string, unknown> = {}
    const konnector = defineKonnector({
      manifest: { slug: 'acme', version: '1.2.3' },
      fields: { login: {}, password: { type: 'password' }, news: { type: 'checkbox' } },
      async run({ fields, account, parameters, payload, manifest, locale, folderPath, job, signal, save }) {
        const data = await account.saveData({ a: 1 })
        await account.saveData({ b: 2 })
        const [record] = await save.records([{ name: 'x' }], 'io.cozy.things', { keys: ['name'] })
        const again = await save.records([{ name: 'x' }], 'io.cozy.things', { keys: ['name'] })
        seen = { fields, id: account.id, identifier: account.identifier, data, all: account.data, parameters, payload }
        Object.assign(seen, { slug: manifest.slug, locale, folderPath, job, aborted: signal.aborted, again })
        seen.by = record?.cozyMetadata?.createdByAppVersion
      },
    })
    const { outcome } = await runHere(konnector, {
      COZY_PARAMETERS: '{"p":1}',
      COZY_PAYLOAD: '{"hook":1}',
      COZY_LOCALE: 'fr',
      COZY_TRIGGER_ID: 't',
    })
    assert.deepEqual(outcome, { ok: true })
    assert.deepEqual(seen, {
      fields: { login: 'me', password: 'hunter22', news: false },
      id: 'a',
      identifier: 'me',
      data: { a: 1 },
      all: { a: 1, b: 2 },
      parameters: { p: 1 },
      payload: { hook: 1 },
      slug: 'acme',
      locale: 'fr',
      folderPath: undefined,
      job: { id: undefined, triggerId: 't', manual: false },
      aborted: false,
      again: [],
      by: '1.2.3',
    })
  })

  test('never shows a secret: not the password, not the token, not the secret of the parameters', async () => {
    const konnector = defineKonnector({
      fields: { password: { type: 'password' } },
      run({ fields, log, errors }) {
        log.info(`trying ${fields.password} with token-of-the-run and s3cret-of-app`)
        throw errors.loginFailed(`refused ${fields.password}`)
      },
    })
    const { outcome, lines } = await runHere(konnector, { COZY_PARAMETERS: '{"secret":{"key":"s3cret-of-app"}}' })
    assert.equal(outcome.ok, false)
    const text = JSON.stringify(lines)
    assert.match(text, /trying \*\*\* with \*\*\* and \*\*\*/)
    for (const secret of ['hunter22', 'token-of-the-run', 's3cret-of-app']) assert.ok(!text.includes(secret), secret)
  })

  test('without a folder, saving files says what is missing', async () => {
    const konnector = defineKonnector({ run: ({ save }) => save.files([{ fileurl: 'http://x.example/a.pdf' }]) })
    const { lines } = await runHere(konnector)
    assert.deepEqual([lines.at(-1)?.type, lines.at(-1)?.message], ['critical', 'NOT_EXISTING_DIRECTORY'])
    assert.match(JSON.stringify(lines), /add \\"folders\\" to the manifest/)
  })

  test('a critical line carries no_retry when the error asks for it', async () => {
    const konnector = defineKonnector({
      run: () => Promise.reject(Object.assign(new Error('ODD'), { no_retry: true })),
    })
    const { lines } = await runHere(konnector)
    assert.deepEqual([lines.at(-1)?.message, lines.at(-1)?.no_retry], ['ODD', true])
  })

  test('every request of a run stops with it', async () => {
    await using vendor = await startVendor({ '/silent': () => {} })
    const konnector = defineKonnector({ run: ({ http }) => http.get(`${vendor.url}/silent`) })
    const { outcome } = await runHere(konnector, { COZY_TIME_LIMIT: '6' })
    assert.equal(outcome.ok, false)
    assert.equal(!outcome.ok && outcome.message, 'TIMEOUT')
  })
})
