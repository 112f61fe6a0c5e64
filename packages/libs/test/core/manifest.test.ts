import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { currentManifest, getCozyMetadata, manifest, setManifest } from '../../src/manifest.ts'
import { openWorkshop } from './konnector-process.ts'

const MANIFEST = { slug: 'acme', version: '1.2.3' }

describe('manifest', () => {
  let workshop: Awaited<ReturnType<typeof openWorkshop>>
  before(async () => {
    workshop = await openWorkshop()
  })
  after(() => workshop[Symbol.asyncDispose]())

  const SHOW = `const { manifest } = require('cozy-konnector-libs')
    const before = manifest.data
    manifest.setManifest({ slug: 'other' })
    console.log(JSON.stringify([manifest.data, manifest.getCozyMetadata().createdByApp, before === manifest.data]))`
  const show = async (env: Record<string, string | undefined> = {}, prefix = '') =>
    JSON.parse((await workshop.run(prefix + SHOW, env)).stdout)

  it('is {} where there is none', async () => {
    assert.deepEqual(await show(), [{}, 'other', true])
    await writeFile(join(workshop.folder, 'manifest.konnector'), '{ broken')
    assert.deepEqual(await show(), [{}, 'other', true])
  })

  it('is read from the current directory in every mode; setManifest changes what metadata say, not data', async () => {
    await writeFile(join(workshop.folder, 'manifest.konnector'), JSON.stringify(MANIFEST))
    for (const NODE_ENV of [undefined, 'production', 'standalone', 'development']) {
      assert.deepEqual(await show({ NODE_ENV }), [MANIFEST, 'other', true])
    }
  })

  it('is the one that the build put in the bundle, before any file', async () => {
    const prefix = `globalThis.__WEBPACK_PROVIDED_MANIFEST__ = { slug: 'injected' }\n`
    assert.deepEqual(await show({}, prefix), [{ slug: 'injected' }, 'other', true])
  })
})

describe('getCozyMetadata', () => {
  before(() => setManifest(MANIFEST))
  after(() => setManifest(undefined))

  it('has defaults, over which the argument wins', () => {
    const metadata = getCozyMetadata({ doctypeVersion: 4, sourceAccount: 'a' })
    const { createdAt, updatedAt, updatedByApps, ...rest } = metadata
    assert.deepEqual(rest, {
      doctypeVersion: 4,
      metadataVersion: 1,
      createdByApp: 'acme',
      createdByAppVersion: '1.2.3',
      sourceAccount: 'a',
    })
    assert.ok(createdAt instanceof Date && updatedAt instanceof Date)
    assert.deepEqual(updatedByApps, [{ slug: 'acme', date: createdAt, version: '1.2.3' }])
  })

  it('replaces its own item of updatedByApps in place, and adds none', () => {
    const others = [
      { slug: 'before', date: 'd1' },
      { slug: 'acme', date: 'd2' },
      { slug: 'after', date: 'd3' },
    ]
    const metadata = getCozyMetadata({ updatedByApps: others })
    assert.equal(metadata.updatedByApps, others)
    assert.deepEqual(
      others.map(({ slug }) => slug),
      ['before', 'acme', 'after'],
    )
    assert.ok((others[1] as { date: unknown }).date instanceof Date)
    const foreign = [{ slug: 'foreign', date: 'd' }]
    assert.deepEqual(getCozyMetadata({ updatedByApps: foreign }).updatedByApps, [{ slug: 'foreign', date: 'd' }])
  })

  it('uses what setManifest said', () => {
    assert.equal(currentManifest(), MANIFEST)
    setManifest(undefined)
    assert.equal(currentManifest(), manifest.data)
    setManifest(MANIFEST)
  })
})
