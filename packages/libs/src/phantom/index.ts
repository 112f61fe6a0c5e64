import { fileURLToPath } from 'node:url'

/** Where a module that a konnector requires without declaring it comes from. */
export interface PhantomModule {
  /** Absolute path of one of our files, or the name of a package. */
  target: string
  /** Who resolves `target`: nobody (it is a file), this package, or the CLI with its own dependencies. */
  from: 'file' | 'libs' | 'cli'
  /** Paths inside the package are answered too: `lodash/get`, `moment/locale/fr`. */
  prefix?: boolean
  why: string
}

const file = (name: string, why: string): PhantomModule => ({
  target: fileURLToPath(new URL(name, import.meta.url)),
  from: 'file',
  why,
})
const ours = (name: string, why: string): PhantomModule => ({ target: name, from: 'libs', prefix: true, why })
const theirs = (name: string, why: string): PhantomModule => ({ target: name, from: 'cli', prefix: true, why })

const OLD_REQUEST = 'shares classes, jars and rules with requestFactory'
const SAME_ERRORS = 'the classes that requests throw, for instanceof'
const FLAGS = 'feature flags over the client of the run'
const MODELS = 'Qualification of the run’s client'

/**
 * Modules that konnectors require without declaring them, because the reference libraries hoisted them (exports.md
 * section 2, "Phantom dependencies"; real-usage.md section 8). They apply only where the konnector has no copy of its own.
 */
export const phantomModules: Readonly<Record<string, PhantomModule>> = {
  cheerio: file('./cheerio.cjs', 'callable module and default export of the former cheerio, over 1.2'),
  request: file('./request.cjs', OLD_REQUEST),
  'request-promise': file('./request-promise.cjs', OLD_REQUEST),
  'request-promise-native': file('./request-promise-native.cjs', OLD_REQUEST),
  'request-promise/errors': file('./request-promise-errors.cjs', SAME_ERRORS),
  'request-promise-native/errors': file('./request-promise-errors.cjs', SAME_ERRORS),
  'request-promise-core/errors': file('./request-promise-errors.cjs', SAME_ERRORS),
  'request-debug': file('./request-debug.cjs', 'prints the requests of the process'),
  'cozy-logger': file('./cozy-logger.cjs', 'the log of the libraries'),
  'cozy-flags': file('./cozy-flags.cjs', FLAGS),
  'cozy-flags/dist/flag': file('./cozy-flags.cjs', FLAGS),
  'cozy-client': file('./cozy-client.cjs', 'the client of the run, Q, models'),
  'cozy-client/dist/CozyClient': file('./cozy-client-class.cjs', 'asked by cozy-doctypes, for instanceof'),
  'cozy-client/models': file('./cozy-client-models.cjs', MODELS),
  'cozy-client/dist/models': file('./cozy-client-models.cjs', MODELS),
  'cozy-client/dist/models/document': file('./cozy-client-document.cjs', MODELS),
  'node-fetch': file('./node-fetch.cjs', 'the global fetch with .buffer() and Node streams'),
  'isomorphic-fetch': file('./node-fetch.cjs', 'the global fetch with .buffer() and Node streams'),
  opn: file('./opn.cjs', 'opens or prints an address'),
  bluebird: ours('bluebird', 'the promises of requests are Bluebird 3'),
  'tough-cookie': ours('tough-cookie', 'cookie jars of requests'),
  lodash: theirs('lodash', 'hoisted by the reference libraries'),
  moment: theirs('moment', 'hoisted by the reference libraries'),
  'date-fns': theirs('date-fns', 'hoisted by the reference libraries'),
}

/**
 * @param specifier what a konnector requires: `cheerio`, `lodash/get`
 * @returns what answers for it, with `target` completed by the path inside the package; undefined when nothing does
 */
export function phantomModule(specifier: string): PhantomModule | undefined {
  const exact = Object.hasOwn(phantomModules, specifier) ? phantomModules[specifier] : undefined
  if (exact) return exact
  const slash = specifier.indexOf('/')
  const name = slash < 0 ? specifier : specifier.slice(0, slash)
  const packaged = Object.hasOwn(phantomModules, name) ? phantomModules[name] : undefined
  if (!packaged?.prefix) return undefined
  return { ...packaged, target: packaged.target + specifier.slice(slash) }
}
