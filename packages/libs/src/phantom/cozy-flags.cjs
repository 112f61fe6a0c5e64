'use strict'

const { EventEmitter } = require('node:events')

// Feature flags of the stack: `flag('name')` after `client.registerPlugin(flag.plugin)`. Served as `cozy-flags` and
// `cozy-flags/dist/flag`; there is no browser here, so no DOM and no local storage.

const has = (object, key) => Object.hasOwn(object, key)

class FlagStore extends EventEmitter {
  constructor() {
    super()
    this.store = {}
  }

  keys() {
    return Object.keys(this.store)
  }

  /** The flag's value, or the value inside a flag that holds an object (`a.b.c` of flag `a.b`); null when there is none. */
  get(name) {
    if (has(this.store, name)) return this.store[name]
    const parts = String(name).split('.')
    for (let end = parts.length - 1; end > 0; end--) {
      const parent = parts.slice(0, end).join('.')
      if (!has(this.store, parent)) continue
      return parts
        .slice(end)
        .reduce((value, part) => (value && has(Object(value), part) ? value[part] : null), this.store[parent])
    }
    return null
  }

  set(name, value) {
    this.store[name] = value
    this.emit('change', name)
  }

  remove(name) {
    delete this.store[name]
    this.emit('change', name)
  }
}

const store = new FlagStore()

/** `flag(name)` reads, null when unset; `flag(name, value)` sets and returns the value. */
function flag(...args) {
  const [name, value] = args
  if (args.length === 1) return store.get(name)
  store.set(name, value)
  return value
}

/** Names of the known flags, sorted. */
const listFlags = () => store.keys().sort()

const resetFlags = () => {
  for (const name of listFlags()) store.remove(name)
}

/** Sets several flags: `{name: value}`, or names to set to true. */
function enable(flags) {
  if (!flags || typeof flags !== 'object') return
  const pairs = Array.isArray(flags) ? flags.map(name => [name, true]) : Object.entries(flags)
  for (const [name, value] of pairs) flag(name, value)
}

/** Reads the instance's flags (document io.cozy.settings.flags) through a client. */
async function initializeFromRemote(client) {
  const answer = await client.stackClient.fetchJSON('GET', '/settings/flags')
  // The old client hands the resource itself over, cozy-client its envelope.
  enable(answer.attributes ?? answer.data?.attributes)
}

const initialize = initializeFromRemote
const initializeFromDOM = async () => false
const getTemplateData = () => null

/** For `client.registerPlugin(flag.plugin)`; wait for `client.plugins.flags.initializing` before reading flags. */
class FlagClientPlugin {
  constructor(client) {
    this.client = client
    // A konnector is logged in from the start. A server without flags, or a token that may not read them, leaves
    // every flag unset: that is no reason to fail the run.
    this.initializing = initialize(client).catch(() => {})
  }

  refresh() {
    return initializeFromRemote(this.client)
  }

  setupInitializing() {}
}
FlagClientPlugin.pluginName = 'flags'

Object.assign(flag, {
  store,
  list: listFlags,
  reset: resetFlags,
  enable,
  initialize,
  initializeFromRemote,
  initializeFromDOM,
  plugin: FlagClientPlugin,
  listFlags,
  resetFlags,
  getTemplateData,
  default: flag,
})
Object.defineProperty(flag, '__esModule', { value: true })

module.exports = flag
