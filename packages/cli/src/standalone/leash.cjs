'use strict'
/**
 * Loaded before the konnector: ends it, and what it started, when the command that runs it is gone. Killed with SIGKILL the command
 * cannot do that itself, and the konnector, in a process group of its own, would go on working at the vendor's for nobody.
 *
 * KONNECTORY_LEASH = descriptor of a pipe whose other end the command holds; nothing is ever written to it.
 */
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

const descriptor = process.env.KONNECTORY_LEASH
// Not for the konnector's own children: there that number is something else (the IPC channel of a fork).
delete process.env.KONNECTORY_LEASH
if (descriptor) watch(Number(descriptor))

function watch(fd) {
  const leash = new net.Socket({ fd, readable: true, writable: false })
  leash.on('error', end)
  leash.on('close', end)
  leash.resume()
  // It must not keep alive a konnector that is done.
  leash.unref()
}

function end() {
  try {
    // The command would have removed the bundle.
    const folder = path.dirname(process.argv[1])
    if (path.basename(folder).startsWith('konnectory-run-')) fs.rmSync(folder, { recursive: true, force: true })
  } catch {
    // In the system's temporary folder; ending counts more.
  }
  try {
    if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  } finally {
    process.exit(1)
  }
}
