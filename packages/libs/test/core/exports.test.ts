import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'

const require = createRequire(import.meta.url)
const load = (path: string) => require(`@konnectory/libs${path}`)

/** The table of `sdk/exports.md` section 1, in its order. */
const NAMES = [
  ['BaseKonnector', 'CookieKonnector', 'cozyClient', 'errors', 'log', 'saveFiles', 'saveBills', 'saveIdentity'],
  ['linkBankOperations', 'addData', 'hydrateAndFilter', 'updateOrCreate', 'filterData', 'request', 'requestFactory'],
  ['htmlToPDF', 'createCozyPDFDocument', 'retry', 'wrapIfSentrySetUp', 'Document', 'signin', 'submitForm', 'scrape'],
  ['mkdirp', 'normalizeFilename', 'utils', 'solveCaptcha', 'createCategorizer', 'categorize', 'manifest'],
].flat()

const OBJECTS = ['cozyClient', 'errors', 'utils', 'manifest']

describe('the exports of the library', () => {
  it('are those of the former one for require, each of its kind', () => {
    const libs = load('')
    assert.deepEqual(Object.keys(libs).sort(), NAMES.toSorted())
    for (const name of NAMES) assert.equal(typeof libs[name], OBJECTS.includes(name) ? 'object' : 'function', name)
  })

  it('are the same for import, by name and in the default export', async () => {
    const libs = load('')
    const { default: whole, ...named } = await import('@konnectory/libs')
    assert.deepEqual(Object.keys(named).sort(), NAMES.toSorted())
    assert.deepEqual(Object.keys(whole).sort(), NAMES.toSorted())
    for (const name of NAMES) {
      assert.equal(named[name as keyof typeof named], libs[name], name)
      assert.equal(whole[name as keyof typeof whole], libs[name], name)
    }
  })

  it('have the statics that konnectors use', () => {
    const { BaseKonnector, saveFiles, saveBills, mkdirp, linkBankOperations, retry, signin, submitForm } = load('')
    for (const value of [
      BaseKonnector.findFolderPath,
      BaseKonnector.checkTOS,
      saveFiles.getFileIfExists,
      saveFiles.sanitizeFileName,
      saveBills.manageContractsData,
      mkdirp.fromCozy,
      linkBankOperations.Linker,
      retry.StopError,
    ]) {
      assert.equal(typeof value, 'function')
    }
    assert.equal(signin, submitForm)
  })

  it('can be replaced, as tests of konnectors do', () => {
    const fresh = require.resolve('@konnectory/libs')
    delete require.cache[fresh]
    const libs = load('')
    const mock = () => 'mocked'
    libs.saveFiles = mock
    assert.equal(libs.saveFiles, mock)
    assert.equal(libs.saveBills, load('/dist/libs/saveBills'))
  })

  it('name models, which the library never had, as undefined', () => {
    assert.equal(load('').models, undefined)
  })
})

describe('deep imports', () => {
  const libs = load('')
  const same: Record<string, unknown> = {
    BaseKonnector: libs.BaseKonnector,
    CookieKonnector: libs.CookieKonnector,
    addData: libs.addData,
    cozyclient: libs.cozyClient,
    document: libs.Document,
    hydrateAndFilter: libs.hydrateAndFilter,
    linkBankOperations: libs.linkBankOperations,
    log: libs.log,
    manifest: libs.manifest,
    mkdirp: libs.mkdirp,
    normalizeFilename: libs.normalizeFilename,
    request: libs.requestFactory,
    saveBills: libs.saveBills,
    saveFiles: libs.saveFiles,
    scrape: libs.scrape,
    signin: libs.signin,
    solveCaptcha: libs.solveCaptcha,
    updateOrCreate: libs.updateOrCreate,
    utils: libs.utils,
  }

  for (const folder of ['dist/libs', 'src/libs', 'libs']) {
    it(`of ${folder} give the same values as the index, with and without extension`, () => {
      for (const [name, value] of Object.entries(same)) {
        assert.equal(load(`/${folder}/${name}`), value, name)
        assert.equal(load(`/${folder}/${name}.js`), value, name)
      }
    })

    it(`of ${folder} that are objects of their own have these members`, () => {
      const keys = (name: string) => Object.keys(load(`/${folder}/${name}`)).sort()
      assert.deepEqual(keys('html2pdf'), ['createCozyPDFDocument', 'htmlToPDF'])
      assert.deepEqual(keys('saveIdentity'), ['formatIdentityContact', 'saveIdentity', 'trimProperties'])
      assert.deepEqual(keys('categorization'), ['categorize', 'createCategorizer'])
      assert.deepEqual(keys('error'), ['attachProcessEventHandlers'])
      const request = [
        'DEFAULT_USER_AGENT',
        'default',
        'getRequestOptions',
        'mergeDefaultOptions',
        'transformWithCheerio',
      ]
      assert.deepEqual(keys('request/request'), request)
      assert.equal(load(`/${folder}/request/request`).default, libs.requestFactory)
    })

    it(`of ${folder}: CozyBrowser says that zombie is missing`, () => {
      assert.throws(() => load(`/${folder}/CozyBrowser`), /zombie dependency is missing/)
    })
  }

  it('of the helpers', () => {
    for (const folder of ['dist/helpers', 'src/helpers', 'helpers']) {
      assert.equal(load(`/${folder}/errors`), libs.errors)
      assert.equal(load(`/${folder}/sentry`).wrapIfSentrySetUp, libs.wrapIfSentrySetUp)
      assert.equal(load(`/${folder}/cozy-client-js-stub`), libs.cozyClient)
      assert.equal(load(`/${folder}/cozy-domain`).getDomain('https://me.mycozy.cloud/'), 'mycozy.cloud')
      assert.equal(load(`/${folder}/cozy-domain`).getInstance('https://me.mycozy.cloud:8080'), 'me.mycozy.cloud')
    }
  })

  it('of the whole', () => {
    for (const path of ['/dist/index', '/dist/index.js']) assert.equal(load(path).BaseKonnector, libs.BaseKonnector)
    assert.throws(() => load('/dist/CozyBrowser'), /zombie dependency is missing/)
  })
})

describe('@konnectory/libs/captcha', () => {
  it('plugs a solver into the solveCaptcha of the library', async () => {
    const { useCaptchaSolver } = await import('@konnectory/libs/captcha')
    useCaptchaSolver(async () => ({ gRecaptchaResponse: 'by hand' }))
    try {
      assert.equal(await load('').solveCaptcha({ websiteKey: 'k', websiteURL: 'https://v.example/' }), 'by hand')
    } finally {
      useCaptchaSolver(undefined)
    }
  })
})

describe('deprecated names', () => {
  it('warn at each call, and keep this and the arguments', async t => {
    const lines = t.mock.method(console, 'log', () => {}).mock
    const { deprecated } = await import('../../src/deprecated.ts')
    const old = deprecated(
      function (this: unknown, ...parameters: unknown[]) {
        return [this, parameters]
      },
      'old',
      'new',
    )
    assert.deepEqual(old.call('me', 1, 2), ['me', [1, 2]])
    old.call('me')
    assert.equal(lines.callCount(), 2)
    assert.match(String(lines.calls[0]?.arguments[0]), /"type":"warn".*old is deprecated: use new/)
  })

  it('are filterData and request', async t => {
    t.mock.method(console, 'log', () => {})
    const { request, requestFactory } = await import('@konnectory/libs')
    assert.equal(typeof request({ cheerio: true }).defaults, 'function')
    assert.notEqual(request, requestFactory)
  })
})
