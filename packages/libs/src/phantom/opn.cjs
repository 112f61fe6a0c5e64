'use strict'

const { spawn } = require('node:child_process')

const OPENERS = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }

/**
 * `require('opn')`: opens an address in the author's browser (OAuth in development). Where there is none (a server, a
 * container) the address is printed instead.
 * @returns a promise of the opener's process, or of undefined when there is none
 */
module.exports = async function opn(target) {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  return new Promise(resolve => {
    const opener = spawn(command, [...args, String(target)], { stdio: 'ignore', detached: true })
    opener.once('error', () => {
      console.error(`Open this address in a browser: ${target}`)
      resolve(undefined)
    })
    opener.once('spawn', () => {
      opener.unref()
      resolve(opener)
    })
  })
}
module.exports.default = module.exports
