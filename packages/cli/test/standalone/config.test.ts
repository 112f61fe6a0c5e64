import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingFields, newDevConfig, parseDevConfig } from '../../src/project/dev-config.ts'
import { collectPins } from '../../src/standalone/pins.ts'
import { dataDirectory } from '../../src/standalone/prepare-config.ts'
import { openProject } from '../../src/standalone/project.ts'
import { CONFIG, MANIFEST, makeProject, runStandalone } from '../help/project.ts'

const NOTHING = 'module.exports = 1'

test('comments and trailing commas are accepted; a broken file is named with its place and without its content', () => {
  assert.deepEqual(parseDevConfig('\uFEFF{ // a\n "fields": { "login": "a//b", /* c */ }, }'), {
    fields: { login: 'a//b' },
  })
  assert.throws(
    () => parseDevConfig('{\n  "fields": { "password": "hunter2" "x" }\n}'),
    (error: Error) => /line 2, column \d+/.test(error.message) && !error.message.includes('hunter2'),
  )
  assert.throws(() => parseDevConfig('{"fields": []}'), /"fields" must be an object/)
  assert.throws(() => parseDevConfig('[]'), /must hold an object/)
})

test('the first configuration has every field of the manifest with what it is', async () => {
  await using project = await makeProject({
    'index.js': NOTHING,
    'manifest.konnector': {
      ...MANIFEST,
      fields: {
        login: { type: 'text', label: 'Customer number' },
        password: { type: 'password' },
        region: {
          type: 'dropdown',
          options: [
            { name: 'North', value: 'n' },
            { name: 'South', value: 's' },
          ],
          default: 'n',
        },
        news: { type: 'checkbox', required: false },
        note: { type: 'text', required: false },
      },
    },
  })
  const { fields } = openProject(project.root, undefined, 'x')
  const text = newDevConfig(fields)
  assert.match(text, /\/\/ Customer number, required\n {4}"login": "",/)
  assert.match(text, /one of "n", "s"\n {4}"region": "n"/)
  assert.match(text, /optional/)
  const config = parseDevConfig(text)
  assert.deepEqual(config.fields, { login: '', password: '', region: 'n', news: false, note: '' })
  assert.deepEqual(
    missingFields(config, fields).map(({ name }) => name),
    ['login', 'password'],
  )
})

test('the first run creates the configuration, says what to fill in, and runs nothing', async () => {
  await using project = await makeProject({
    'src/index.js': "require('fs').writeFileSync('ran', '')",
    'manifest.konnector': MANIFEST,
  })
  const first = await runStandalone(project)
  assert.equal(first.code, 1)
  assert.match(first.stderr, /Created konnector-dev-config\.json[\s\S]*Nothing was run[\s\S]*"login"[\s\S]*"password"/)
  await assert.rejects(project.read('ran'), /ENOENT/)
  const created = await project.read('konnector-dev-config.json')
  const second = await runStandalone(project)
  assert.equal(second.code, 1)
  assert.match(second.stderr, /ERROR: Fill in these fields/)
  assert.equal(await project.read('konnector-dev-config.json'), created, 'it is not created anew')
})

test('nothing to fill in: it runs at once', async () => {
  await using project = await makeProject({
    'index.js': "require('fs').writeFileSync('ran', '')",
    'manifest.konnector': { ...MANIFEST, fields: {} },
  })
  const result = await runStandalone(project)
  assert.equal(result.code, 0, result.stderr)
  assert.equal(await project.read('ran'), '')
})

test('a missing script is told and exits with 1', async () => {
  await using project = await makeProject({ 'manifest.konnector': MANIFEST, 'konnector-dev-config.json': CONFIG })
  await assert.rejects(
    runStandalone(project, { file: 'src/server.js' }),
    /File \/.*src\/server\.js does not exist\. konnectory standalone cannot run it\./,
  )
})

test('hosts: addresses are read, mistakes are named', () => {
  assert.deepEqual(
    collectPins({ 'Vendor.test': '127.0.0.1:80' }, ['api.test=https://[::1]:443', 'vendor.test=10.0.0.1']),
    {
      'vendor.test': { host: '10.0.0.1', tls: false },
      'api.test': { host: '::1', port: 443, tls: true },
    },
  )
  assert.throws(() => collectPins({}, ['vendor.test']), /Cannot read the host pin "vendor\.test=/)
})

test('where files go: --dir, else a relative fields.folderPath, else here', () => {
  assert.equal(dataDirectory('/p', 'data', { fields: { folderPath: 'x' } }), '/p/data')
  assert.equal(dataDirectory('/p', undefined, { fields: { folderPath: 'x' } }), '/p/x')
  assert.equal(dataDirectory('/p', undefined, { fields: { folderPath: '/Administrative' } }), '/p')
})
