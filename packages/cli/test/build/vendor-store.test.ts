import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { diskCache, nearestModules } from '../../src/build/disk-cache.ts'
import { VENDOR } from '../../src/build/vendor.ts'
import { fits, packVendor, provideVendor } from '../../src/build/vendor-store.ts'
import { konnectorFolder } from './konnector-folder.ts'

const LIBRARIES = 'node_modules/@konnectory/libs/dist'

/** Libraries whose heavy modules are one line each. */
function tinyLibraries() {
  const modules = Object.values(VENDOR).flatMap(name => [
    [`node_modules/${name}/package.json`, { name, version: '1.0.0' }],
    [`node_modules/${name}/index.js`, `module.exports = 'this is ${name}'`],
  ])
  const libs = [['node_modules/@konnectory/libs/package.json', { name: '@konnectory/libs', version: '0.1.0' }]]
  const folder = konnectorFolder(Object.fromEntries([...modules, ...libs]))
  mkdirSync(folder.path(LIBRARIES))
  return folder
}

/** The function as another process has it: nothing remembered. */
async function inAnotherProcess(): Promise<typeof provideVendor> {
  const url = `../../src/build/vendor-store.ts?${Math.random()}`
  return (await import(url)).provideVendor
}

describe('build: the heavy modules are compiled once for many builds', () => {
  it('the next build reads what this one made, until a file of theirs changes', async () => {
    using folder = tinyLibraries()
    const from = folder.path(LIBRARIES)
    const first = await provideVendor(from, false)
    assert.match(first.code, /this is bluebird/)
    const cache = folder.path('node_modules/.cache/konnectory')
    const [kept = ''] = readdirSync(cache)
    // To see that it is read: what is in it is what comes out.
    const text = readFileSync(join(cache, kept), 'utf8')
    writeFileSync(join(cache, kept), text.replace('this is bluebird', 'this is kept'))
    assert.match((await (await inAnotherProcess())(from, false)).code, /this is kept/)

    writeFileSync(folder.path('node_modules/bluebird/index.js'), `module.exports = 'changed'`)
    const third = await (await inAnotherProcess())(from, false)
    assert.match(third.code, /changed/)
    assert.doesNotMatch(third.code, /this is kept/)
  })

  it('an installation makes it again: another copy may be nearer now', async () => {
    using folder = tinyLibraries()
    const from = folder.path(LIBRARIES)
    await provideVendor(from, false)
    const nearer = folder.path('node_modules/@konnectory/libs/node_modules/bluebird')
    mkdirSync(nearer, { recursive: true })
    writeFileSync(join(nearer, 'index.js'), `module.exports = 'nearer'`)
    writeFileSync(folder.path('node_modules/.yarn-integrity'), '{}')
    assert.match((await (await inAnotherProcess())(from, false)).code, /nearer/)
  })

  it('a damaged file is made again', async () => {
    using folder = tinyLibraries()
    const from = folder.path(LIBRARIES)
    await provideVendor(from, false)
    const cache = folder.path('node_modules/.cache/konnectory')
    for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '{"packages":')
    assert.match((await (await inAnotherProcess())(from, false)).code, /this is cheerio/)
  })

  it('what was packed is used for the same versions at the same places only', async () => {
    using folder = tinyLibraries()
    const from = folder.path(LIBRARIES)
    const { packages, vendor } = JSON.parse(await packVendor(from))
    assert.equal(packages['@cypress/request'], '1.0.0')
    assert.ok(!Object.keys(packages).some(name => name.startsWith('@konnectory/')), 'ours go by their own version')
    assert.equal(vendor.root, '', 'nothing of the machine that packs')
    assert.ok(!JSON.stringify({ packages, vendor }).includes(folder.root))
    assert.equal(fits({ packages }, from, '0.1.0'), true)
    assert.equal(fits({ packages }, from, '0.2.0'), false, 'the konnector has libraries of another version')
    writeFileSync(folder.path('node_modules/bluebird/package.json'), '{"name":"bluebird","version":"1.0.1"}')
    assert.equal(fits({ packages }, from, '0.1.0'), false, 'a newer one is installed')
  })
})

describe('build: the cache on disk', () => {
  it('lies in the nearest node_modules, the folder itself included', () => {
    using folder = konnectorFolder({ 'node_modules/a/package.json': '{}', 'src/index.js': '' })
    assert.equal(nearestModules(folder.path('node_modules/a')), folder.path('node_modules'))
    assert.equal(nearestModules(folder.path('src')), folder.path('node_modules'))
    const here = dirname(fileURLToPath(import.meta.url))
    assert.equal(nearestModules(here), fileURLToPath(new URL('../../../../node_modules', import.meta.url)))
  })

  it('keeps what it is given, for who has a node_modules somewhere: else in that of the next place', async () => {
    using folder = konnectorFolder({ 'node_modules/a/package.json': '{}' })
    using bare = konnectorFolder({})
    await diskCache(bare.root, folder.root).write('x.json', '{}')
    assert.equal(await diskCache(folder.root).read('x.json'), '{}')
    assert.equal(await diskCache(bare.root).read('x.json'), undefined)
    assert.deepEqual(readdirSync(folder.path('node_modules/.cache/konnectory')), ['x.json'], 'nothing lies beside')
  })

  it('a place that cannot be written keeps nothing, and that is no error', async () => {
    using folder = konnectorFolder({ 'node_modules/.cache': 'a file where the folder should be' })
    chmodSync(folder.path('node_modules'), 0o555)
    const cache = diskCache(folder.root)
    await cache.write('x.json', '{}')
    assert.equal(await cache.read('x.json'), undefined)
    chmodSync(folder.path('node_modules'), 0o755)
  })
})
