import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Log } from '../log.ts'
import { newKey } from './cipher.ts'
import { MasterKeyError } from './contract.ts'
import { type MasterKey, masterKey, masterKeyText, parseMasterKey } from './master-key.ts'

const FILE = 'master-key.json'

/** First the key in use, then older ones, kept for what was wrapped with them and for backups. */
const fileSchema = z.object({
  version: z.literal(1),
  keys: z.array(z.object({ id: z.string(), key: z.string(), created: z.string() })).min(1),
})
type KeyFileContent = z.infer<typeof fileSchema>

/** `master-key.json` in the data directory, mode 0600. */
export interface KeyFile {
  path: string
  /** Undefined when there is none. @throws MasterKeyError when it is damaged or cannot be read */
  read(): MasterKey[] | undefined
  /** Makes it with a new key, on disk when it returns; when somebody was faster, theirs. */
  create(now: Date): MasterKey[]
  /** Puts a new key before those that are there, on disk when it returns. */
  prepend(now: Date): MasterKey[]
}

export function keyFile(dataDirectory: string, log: Log): KeyFile {
  const path = join(dataDirectory, FILE)
  let warned = false

  const content = (): KeyFileContent | undefined => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      throw new MasterKeyError(`${path} cannot be read (${code}): it must belong to uid ${process.getuid?.()}.`, {
        cause: error,
      })
    }
    if (!warned && process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      warned = true
      log.warn('others can read the master key: chmod 600', { path })
    }
    return parse(path, text)
  }

  const prepend = (now: Date, before: KeyFileContent | undefined, put: (temporary: string) => void): void => {
    const added = masterKey(newKey())
    const entry = { id: added.id, key: masterKeyText(added), created: now.toISOString() }
    writeBeside(path, JSON.stringify({ version: 1, keys: [entry, ...(before?.keys ?? [])] }, undefined, 2), put)
  }

  const keys = (read: KeyFileContent | undefined) => read?.keys.map(entry => keyOf(path, entry))

  return {
    path,
    read: () => keys(content()),
    create(now) {
      mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
      try {
        // A link, unlike a rename, never takes the place of a file that is there.
        prepend(now, undefined, temporary => linkSync(temporary, path))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      return keys(content()) ?? []
    },
    prepend(now) {
      prepend(now, content(), temporary => renameSync(temporary, path))
      return keys(content()) ?? []
    },
  }
}

function parse(path: string, text: string): KeyFileContent {
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch {
    // Without a cause: parsers quote what they choke on.
    throw damaged(path)
  }
}

function keyOf(path: string, { id, key }: KeyFileContent['keys'][number]): MasterKey {
  const read = parseMasterKey(key)
  if (read?.id !== id) throw damaged(path)
  return read
}

const damaged = (path: string) =>
  new MasterKeyError(`${path} is damaged. Restore it from a backup of the data directory. Nothing was written.`)

/** Writes a file that is either there as a whole or not at all, also after a power cut. */
function writeBeside(path: string, text: string, put: (temporary: string) => void): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = openSync(temporary, 'wx', 0o600)
    try {
      fchmodSync(file, 0o600)
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    giveToOwnerOfFolder(temporary)
    put(temporary)
  } finally {
    rmSync(temporary, { force: true })
  }
  // A folder cannot be opened on Windows; there the rename itself is durable.
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Started as root, the data directory belongs to the service user, who must be able to read the file later on. */
function giveToOwnerOfFolder(path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}
