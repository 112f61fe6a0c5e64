'use strict'
/**
 * Loaded before the konnector: ends it, and what it started, when the command that runs it is gone. Killed with SIGKILL the command
 * cannot do that itself, and the konnector, in a process group of its own, would go on working at the vendor's for nobody.
 *
 * KONNECTORY_LEASH = descriptor of a pipe whose other end the command holds; nothing is ever written to it.
 */
const net = require('node:net')

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
    if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  } finally {
    process.exit(1)
  }
}
