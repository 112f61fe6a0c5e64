import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../src/ground/index.ts'

test('nothing said: what a laptop needs', () => {
  assert.deepEqual(readConfig({}), {
    dataDirectory: resolve('konnectory-data'),
    log: { level: 'info' },
    database: {
      url: undefined,
      binaries: undefined,
      choice: undefined,
      socketDirectory: undefined,
      connections: 10,
      statementTimeout: 30_000,
    },
    http: {
      host: '127.0.0.1',
      port: 8080,
      adminPort: 6060,
      secure: false,
      publicPort: undefined,
      subdomains: 'nested',
    },
    jail: { driver: 'bubblewrap', pinnedHosts: [] },
    konnectors: {
      registries: [],
      folder: undefined,
      installers: ['store', 'collect'],
      localSources: false,
      privateSources: false,
    },
  })
})

test('all said; empty texts count as absent', () => {
  const config = readConfig({
    KONNECTORY_DATA: '/srv/k',
    KONNECTORY_LOG: 'debug',
    DATABASE_URL: 'postgresql://u:p@h:5433/d?sslmode=require',
    KONNECTORY_DATABASE_CONNECTIONS: '40',
    KONNECTORY_STATEMENT_TIMEOUT: '5000',
    PG_BIN: '',
    KONNECTORY_POSTGRES: ' ',
  })
  assert.equal(config.dataDirectory, '/srv/k')
  assert.equal(config.database.url, 'postgresql://u:p@h:5433/d?sslmode=require')
  assert.deepEqual([config.database.connections, config.database.statementTimeout], [40, 5000])
})

test('every mistake is named, and no value is told', () => {
  const wrong = {
    DATABASE_URL: 'mysql://u:hunter2@h/d',
    KONNECTORY_LOG: 'loud',
    KONNECTORY_DATABASE_CONNECTIONS: 'many',
    KONNECTORY_STATEMENT_TIMEOUT: '5',
  }
  assert.throws(
    () => readConfig(wrong),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      for (const name of Object.keys(wrong)) assert.match(error.message, new RegExp(`^${name} must`, 'm'))
      for (const value of ['hunter2', 'loud', 'many']) assert.doesNotMatch(error.message, new RegExp(value))
      return true
    },
  )
  assert.throws(() => readConfig({ DATABASE_URL: 'postgresql://u:p#w@h:x/d' }), /DATABASE_URL is not a URL/)
})

test('choices that exclude each other are refused', () => {
  assert.throws(() => readConfig({ DATABASE_URL: 'postgresql://h/d', PG_BIN: '/x' }), /set one or the other/)
  assert.throws(() => readConfig({ DATABASE_URL: 'postgresql://h/d', KONNECTORY_POSTGRES: 'system' }), ConfigError)
  assert.throws(() => readConfig({ PG_BIN: '/x', KONNECTORY_POSTGRES: 'system' }), /set one of them/)
})
