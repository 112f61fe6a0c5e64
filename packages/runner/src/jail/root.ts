import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode, RunnerError } from '../errors.ts'
import { librariesOf } from './libraries.ts'

/** Where things are inside. */
export const inside = {
  node: '/usr/bin/node',
  prlimit: '/usr/bin/prlimit',
  konnector: '/konnector',
  cache: '/run/cache',
  bridge: '/run/konnector/bridge.cjs',
  socket: '/run/konnector/egress.sock',
} as const

const BRIDGE = join(import.meta.dirname, 'bridge.cjs')
const UNUSED_DAYS = 7

/** No name server is asked: look-ups go to the gate, and what comes round it finds a closed port at once. */
const etc: Record<string, string> = {
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
  passwd: 'nobody:x:65534:65534:nobody:/tmp:/nonexistent\n',
  group: 'nogroup:x:65534:\n',
  'host.conf': 'multi on\n',
}

export interface JailRoot {
  path: string
  /** Node as the jail's user can run it, for the driver that confines nothing. */
  node: string
  bridge: string
}

/**
 * Builds the file system konnectors see, or finds it built: Node, prlimit, their libraries, six files in /etc, empty places to
 * mount on. No shell, nothing of the host. Named after what is in it, so a new Node makes a new one.
 * @param cacheDirectory whose parents everybody may enter
 * @throws RunnerError `driver_unavailable` when a part is missing on this system
 */
export function openJailRoot(cacheDirectory: string, nodePath: string = process.execPath): JailRoot {
  const node = realpathSync(nodePath)
  const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find(path => existsSync(path))
  if (!prlimit) {
    throw new RunnerError('driver_unavailable', 'The command prlimit is missing: apt-get install util-linux.')
  }
  const libraries = [...new Set([...librariesOf(node), ...librariesOf(prlimit)])]
  const hash = createHash('sha256').update(JSON.stringify({ etc, inside })).update(readFileSync(BRIDGE))
  for (const file of [node, prlimit, ...libraries]) {
    const { size, mtimeMs } = statSync(file)
    hash.update(`${file}:${size}:${mtimeMs}\n`)
  }
  const path = join(cacheDirectory, `jail-${hash.digest('hex').slice(0, 16)}`)
  const root = { path, node: join(path, inside.node), bridge: join(path, inside.bridge) }
  const now = new Date()
  if (existsSync(path)) {
    utimesSync(path, now, now)
    return root
  }
  const building = mkdtempSync(join(cacheDirectory, 'jail-building-'))
  build(building, { node, prlimit, libraries })
  try {
    renameSync(building, path)
  } catch (error) {
    // Another server on the same cache was first; its jail is the same.
    rmSync(building, { recursive: true, force: true })
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
  removeUnused(cacheDirectory, path)
  return root
}

function build(
  root: string,
  { node, prlimit, libraries }: { node: string; prlimit: string; libraries: string[] },
): void {
  const at = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 })
    return join(root, path)
  }
  for (const folder of ['proc', 'dev', 'tmp', 'etc', 'konnector', 'run/cache', 'run/konnector']) {
    mkdirSync(join(root, folder), { recursive: true, mode: 0o755 })
  }
  for (const [name, text] of Object.entries(etc)) writeFileSync(at(`etc/${name}`), text, { mode: 0o644 })
  for (const empty of ['dev/null', 'dev/urandom', inside.socket]) writeFileSync(at(empty), '')
  place(node, at(inside.node))
  for (const [from, to] of [[prlimit, inside.prlimit], ...libraries.map(path => [path, path])] as [string, string][]) {
    // The name a program asks for is often a link: what is behind it is copied.
    copyFileSync(from, at(to))
    chmodSync(join(root, to), 0o755)
  }
  copyFileSync(BRIDGE, at(inside.bridge))
  chmodSync(join(root, inside.bridge), 0o644)
  chmodSync(root, 0o755)
}

/** Node is 100 MB and more: linked where that serves, else copied (another disk, a file of somebody else, not for everybody). */
function place(from: string, to: string): void {
  const { mode } = statSync(from)
  if ((mode & 0o005) === 0o005) {
    try {
      linkSync(from, to)
      return
    } catch (error) {
      if (!hasCode(error, 'EXDEV', 'EPERM', 'EMLINK', 'EACCES', 'ENOTSUP')) throw error
    }
  }
  copyFileSync(from, to)
  chmodSync(to, 0o755)
}

function removeUnused(cacheDirectory: string, current: string): void {
  const oldest = Date.now() - UNUSED_DAYS * 86_400_000
  for (const name of readdirSync(cacheDirectory)) {
    const path = join(cacheDirectory, name)
    if (!name.startsWith('jail-') || path === current) continue
    const found = statSync(path, { throwIfNoEntry: false })
    if (found && found.mtimeMs < oldest) rmSync(path, { recursive: true, force: true })
  }
}
