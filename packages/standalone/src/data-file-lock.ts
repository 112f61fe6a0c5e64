import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** Somebody else holds the data file. */
export class DataFileInUseError extends Error {
  override name = 'DataFileInUseError'
}

/**
 * Takes a data file for this process. The lock is a local socket that somebody listens on, so that it ends with its holder, however that
 * ends: a file with a process id would stay after a kill, and in a container the next process may well have the same id.
 * It holds between processes of one machine (on Linux: of one network namespace).
 * @param path of the data file; its directory is made when missing
 * @returns releases the lock
 * @throws DataFileInUseError
 */
export async function lockDataFile(path: string): Promise<() => Promise<void>> {
  mkdirSync(dirname(resolve(path)), { recursive: true })
  const real = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(resolve(path))), basename(path))
  const address = addressFor(real)
  let server = await listenOn(address)
  if (!server && address.startsWith('/') && !(await answers(address))) {
    // The socket of a killed process: on Linux and Windows there is none, elsewhere it is a file.
    rmSync(address, { force: true })
    server = await listenOn(address)
  }
  if (!server) throw new DataFileInUseError(`${real} is in use by another run.`)
  const held = server
  held.unref()
  return () => new Promise(done => held.close(() => done()))
}

function addressFor(path: string): string {
  const id = createHash('sha256')
    .update(`${process.getuid?.() ?? ''} ${path}`)
    .digest('hex')
    .slice(0, 24)
  if (process.platform === 'linux') return `\0konnectory-${id}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\konnectory-${id}`
  return join(tmpdir(), `konnectory-${id}.sock`)
}

/** @returns undefined when the address is taken */
function listenOn(address: string): Promise<Server | undefined> {
  return new Promise((done, fail) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') done(undefined)
      else fail(error)
    })
    server.listen({ path: address, exclusive: true }, () => done(server))
  })
}

function answers(address: string): Promise<boolean> {
  return new Promise(done => {
    const socket = connect(address)
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}
