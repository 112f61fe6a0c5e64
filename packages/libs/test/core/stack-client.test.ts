import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { forgetSecrets, maskSecrets } from '../../src/log.ts'
import { getStackClient } from '../../src/stack-client.ts'
import { openWorkshop } from './konnector-process.ts'

const env = { ...process.env }
beforeEach(() => {
  for (const name of ['COZY_URL', 'COZY_CREDENTIALS', 'COZY_FIELDS', 'NODE_ENV', 'KONNECTORY_RUN'])
    delete process.env[name]
})
afterEach(() => {
  process.env = { ...env }
  forgetSecrets()
})

/** A stack whose access tokens end: takes `fresh` only, hands it out for the refresh token `r3fresh`. */
async function agingStack(refusal: 400 | 401, tokens = { refreshed: 'fresh-token' }) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? body}`)
      response.setHeader('content-type', 'application/json')
      if (request.url === '/auth/access_token') {
        const good = new URLSearchParams(body).get('refresh_token') === 'r3fresh-token'
        response.statusCode = good ? 200 : 400
        return response.end(
          JSON.stringify(good ? { access_token: tokens.refreshed } : { error: 'invalid refresh token' }),
        )
      }
      if (request.headers.authorization === 'Bearer fresh-token') return response.end('{"_id":"x","ok":true}')
      response.statusCode = refusal
      response.setHeader(
        'www-authenticate',
        'Bearer error="invalid_token" error_description="The access token expired"',
      )
      return response.end('{"error":"Expired token"}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve()).closeAllConnections()),
  }
}

const credentials = (refreshToken: string) =>
  JSON.stringify({
    oauthOptions: { clientID: 'client', clientSecret: 's3cret-of-client', registrationAccessToken: 'r3gistration' },
    token: { tokenType: 'bearer', accessToken: 'aged-token', refreshToken, scope: 'io.cozy.files' },
  })

describe('getStackClient', () => {
  it('uses a token as it is', async () => {
    await using stack = await agingStack(401)
    process.env.COZY_URL = stack.url
    process.env.COZY_CREDENTIALS = 'fresh-token'
    assert.equal((await getStackClient().data.get('io.cozy.a', 'x')).ok, true)
    assert.equal(getStackClient(), getStackClient())
    assert.equal(maskSecrets('Bearer fresh-token'), 'Bearer ***')
  })

  for (const status of [400, 401] as const) {
    it(`refreshes an expired token of the dev command (status ${status}), once for several requests`, async () => {
      await using stack = await agingStack(status)
      process.env.COZY_URL = stack.url
      process.env.COZY_CREDENTIALS = credentials('r3fresh-token')
      const client = getStackClient()
      await Promise.all([client.data.get('io.cozy.a', 'x'), client.data.get('io.cozy.a', 'x')])
      await client.data.create('io.cozy.a', { a: 1 }).catch(() => {})
      const refreshes = stack.seen.filter(line => line.includes('access_token'))
      assert.deepEqual(refreshes, [
        'POST /auth/access_token grant_type=refresh_token&refresh_token=r3fresh-token&client_id=client&client_secret=s3cret-of-client',
      ])
      assert.match(stack.seen.at(-1) ?? '', /POST .* Bearer fresh-token/)
      assert.equal(
        maskSecrets('aged-token r3fresh-token s3cret-of-client r3gistration fresh-token'),
        '*** *** *** *** ***',
      )
    })
  }

  it('says what to do when the refresh is refused', async () => {
    await using stack = await agingStack(401)
    process.env.COZY_URL = stack.url
    process.env.COZY_CREDENTIALS = credentials('revoked')
    await assert.rejects(getStackClient().data.get('io.cozy.a', 'x'), /invalid refresh token.*Delete \.token\.json/)
  })

  it('follows the environment', () => {
    process.env.COZY_URL = 'http://one.test'
    process.env.COZY_CREDENTIALS = 't'
    const one = getStackClient()
    process.env.COZY_URL = 'http://two.test/'
    assert.notEqual(getStackClient(), one)
    assert.equal(getStackClient().url, 'http://two.test')
  })

  it('says which credentials it cannot read, without showing them', () => {
    process.env.COZY_URL = 'http://one.test'
    process.env.COZY_CREDENTIALS = '{broken'
    assert.throws(() => getStackClient(), /COZY_CREDENTIALS looks like JSON but is not/)
    process.env.COZY_CREDENTIALS = '{"token":{}}'
    assert.throws(() => getStackClient(), /holds no token\.accessToken/)
  })

  it('without environment says what to set, at first use', () => {
    assert.throws(() => getStackClient(), /COZY_URL and COZY_CREDENTIALS are not set.*konnectory standalone/)
    process.env.COZY_URL = 'http://one.test'
    assert.throws(() => getStackClient(), /are not set/)
  })

  it('talks to the address given by konnectory standalone, like to any server', () => {
    process.env.NODE_ENV = 'standalone'
    process.env.KONNECTORY_RUN = 'standalone'
    process.env.COZY_URL = 'http://127.0.0.1:1'
    process.env.COZY_CREDENTIALS = 't'
    assert.equal(getStackClient().url, 'http://127.0.0.1:1')
  })
})

describe('a run without server', () => {
  it('has a stack of its own in files: configuration with comments, fixtures, documents, files', async () => {
    await using workshop = await openWorkshop()
    await writeFile(
      join(workshop.folder, 'konnector-dev-config.json'),
      '{ // mine\n "fields": { "login": "me", "password": "s3cret-pw" }, }',
    )
    await writeFile(join(workshop.folder, 'fixture.json'), '{ "io.cozy.bills": [{ "_id": "seed", "amount": 1 }] }')
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{ "slug": "acme" }')
    const source = `const { BaseKonnector, cozyClient, log } = require('cozy-konnector-libs')
      new BaseKonnector(async function (fields) {
        console.log('> ' + JSON.stringify([{ ...fields, password: fields.password.length }, this.accountId]))
        await cozyClient.data.create('io.cozy.bills', { _id: 'mine', amount: 2 })
        const all = await cozyClient.data.findAll('io.cozy.bills')
        console.log('> ' + all.map(({ _id }) => _id).sort())
        await this.saveFiles([{ filename: 'a.txt', filestream: 'content' }], fields)
      })`
    const alone = { COZY_URL: undefined, COZY_CREDENTIALS: undefined, COZY_FIELDS: undefined, NODE_ENV: 'standalone' }
    const ended = await workshop.run(source, alone)
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /> \[\{"login":"me","password":9,"folderPath":"\/"\},"default_account_id"\]/)
    assert.match(ended.stdout, /> mine,seed/)
    assert.match(ended.stdout, /BaseKonnector: debug : Preparing konnector/)
    assert.equal(await readFile(join(workshop.folder, 'a.txt'), 'utf8'), 'content')
    const kept = JSON.parse(await readFile(join(workshop.folder, 'importedData.json'), 'utf8'))
    assert.deepEqual(kept['io.cozy.bills'].map(({ _id }: { _id: string }) => _id).sort(), ['mine', 'seed'])
    assert.ok(!JSON.stringify(kept).includes('s3cret-pw'))
  })

  it('takes the directory of COZY_FIELDS as the root', async () => {
    await using workshop = await openWorkshop()
    const data = await mkdtemp(join(tmpdir(), 'libs-data-'))
    const source = `const { BaseKonnector } = require('cozy-konnector-libs')
      new BaseKonnector(async function (fields) { await this.saveFiles([{ filename: 'a.txt', filestream: 'content' }], fields) })`
    const ended = await workshop.run(source, {
      COZY_URL: undefined,
      COZY_CREDENTIALS: undefined,
      COZY_FIELDS: JSON.stringify({ account: 'default_account_id', folder_to_save: data }),
      NODE_ENV: 'standalone',
    })
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.equal(await readFile(join(data, 'a.txt'), 'utf8'), 'content')
    await rm(data, { recursive: true })
  })

  const places: [where: string, config: string | undefined, kept: string][] = [
    ['the current directory without a configuration', undefined, 'importedData.json'],
    ['the root with one', '{ "fields": {} } // mine', 'data/importedData.json'],
    ['the folderPath of its fields', '{ "fields": { "folderPath": "./other" } }', 'other/importedData.json'],
  ]
  for (const [where, config, kept] of places) {
    it(`keeps its documents in ${where} (stub.md section 1)`, async () => {
      await using workshop = await openWorkshop()
      for (const folder of ['data', 'other']) await mkdir(join(workshop.folder, folder), { recursive: true })
      if (config) await writeFile(join(workshop.folder, 'konnector-dev-config.json'), config)
      const source = `const { BaseKonnector, addData } = require('cozy-konnector-libs')
        new BaseKonnector(async function () { await addData([{ n: 1 }], 'io.cozy.test') })`
      const ended = await workshop.run(source, {
        COZY_URL: undefined,
        COZY_CREDENTIALS: undefined,
        COZY_FIELDS: JSON.stringify({ account: 'default_account_id', folder_to_save: join(workshop.folder, 'data') }),
        NODE_ENV: 'standalone',
      })
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
      const found = (await readdir(workshop.folder, { recursive: true })).filter(path =>
        path.endsWith('importedData.json'),
      )
      assert.deepEqual(found, [kept])
      const text = await readFile(join(workshop.folder, kept), 'utf8')
      assert.equal(JSON.parse(text)['io.cozy.test'][0].n, 1)
      assert.deepEqual(JSON.parse(text)['io.cozy.files'], [])
      assert.match(text, /^\{\n {2}"/)
    })
  }

  it('opens nothing until it is used, in tests', async () => {
    await using workshop = await openWorkshop()
    const ended = await workshop.run(
      `const libs = require('cozy-konnector-libs'); for (const value of Object.values(libs)) void value
       console.log(require('fs').existsSync('importedData.json'))`,
      { COZY_URL: undefined, COZY_CREDENTIALS: undefined, NODE_ENV: 'test' },
    )
    assert.deepEqual([ended.code, ended.stdout], [0, 'false\n'])
  })
})
