import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readEnvironment, readMessage, readPayload } from '../src/environment.ts'

const base = { COZY_URL: 'https://x/', COZY_CREDENTIALS: 'token' }

describe('the environment of a server', () => {
  test('is read as it is written', () => {
    const environment = readEnvironment(
      {
        ...base,
        COZY_FIELDS: '{"account":"a","konnector":"k","anything":1}',
        COZY_PARAMETERS: '{"secret":"s"}',
        COZY_PAYLOAD: '{"hook":true}',
        COZY_LOCALE: 'fr',
        COZY_TIME_LIMIT: '305',
        COZY_JOB_ID: 'konnector/3/j9',
        COZY_JOB_MANUAL_EXECUTION: 'true',
        COZY_TRIGGER_ID: 't1',
      },
      '/',
    )
    assert.deepEqual(environment, {
      url: 'https://x/',
      credentials: 'token',
      message: { account: 'a', konnector: 'k', anything: 1 },
      parameters: { secret: 's' },
      payload: { hook: true },
      locale: 'fr',
      manual: true,
      jobId: 'konnector/3/j9',
      triggerId: 't1',
      timeLimit: 305,
      human: false,
      logLevel: undefined,
    })
  })

  test('parameters are null when the server says null, {} when it says nothing', () => {
    assert.equal(readEnvironment({ ...base, COZY_PARAMETERS: 'null' }, '/').parameters, null)
    assert.deepEqual(readEnvironment(base, '/').parameters, {})
  })

  test('the message may be nested, as older documentation shows it; the flat form wins', () => {
    const nested = { data: { attributes: { arguments: { account: 'n' } } } }
    assert.equal(readMessage(JSON.stringify(nested)).account, 'n')
    assert.equal(readMessage(JSON.stringify({ ...nested, account: 'f' })).account, 'f')
    assert.deepEqual(readMessage(undefined), {})
  })

  test('what is not JSON is named, and not shown', () => {
    assert.throws(
      () => readMessage('{secret'),
      (error: Error) => /COZY_FIELDS is not JSON/.test(error.message) && !error.message.includes('secret'),
    )
  })
})

describe('the payload', () => {
  test('FIX-3: absent, empty and null are none', () => {
    assert.deepEqual(
      [undefined, '', 'null'].map(text => readPayload(text, '/')),
      [null, null, null],
    )
  })

  test('@file lies next to the script', () => {
    const dir = mkdtempSync(join(tmpdir(), 'konnectory-payload-'))
    try {
      writeFileSync(join(dir, 'cozy_payload.json'), '{"big":1}')
      assert.deepEqual(readPayload('@cozy_payload.json', dir), { big: 1 })
      assert.throws(() => readPayload('@other.json', dir), /Error while reading file other\.json payload/)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
