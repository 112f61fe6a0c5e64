import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Terminal, UsageError } from '../terminal/output.ts'

/** Where the administration listens, and what lets one in. */
export interface AdminAddress {
  url: URL
  secret: string
}

export interface AdminFlags {
  adminUrl?: string | undefined
  adminSecretFile?: string | undefined
}

/**
 * Finds the administration: the options, else KONNECTORY_ADMIN_URL and KONNECTORY_ADMIN_SECRET_FILE, else `admin.json`, which a
 * running server keeps in its data folder (KONNECTORY_DATA).
 * @throws UsageError that says what to do
 */
export async function findAdministration(flags: AdminFlags, { env, cwd }: Terminal): Promise<AdminAddress> {
  const url = flags.adminUrl || env.KONNECTORY_ADMIN_URL
  const secretFile = flags.adminSecretFile || env.KONNECTORY_ADMIN_SECRET_FILE
  if (url && secretFile) return { url: parseUrl(url), secret: await readSecret(resolve(cwd, secretFile)) }
  const file = join(resolve(cwd, env.KONNECTORY_DATA || 'konnectory-data'), 'admin.json')
  const told = await readAdminFile(file, url !== undefined || secretFile !== undefined)
  return {
    url: parseUrl(url ?? told.url),
    secret: secretFile ? await readSecret(resolve(cwd, secretFile)) : told.secret,
  }
}

async function readAdminFile(file: string, half: boolean): Promise<{ url: string; secret: string }> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES')
      throw new UsageError(`${file} belongs to the user the server runs as: run this command as that user, or as root.`)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    const both = half ? 'Give both --admin-url and --admin-secret-file, or neither. ' : ''
    throw new UsageError(
      `${both}No server was found: ${file} is not there. Start one with konnectory serve, name its data folder in KONNECTORY_DATA, or give --admin-url and --admin-secret-file.`,
    )
  }
  try {
    const { url, secret } = JSON.parse(text) as { url?: unknown; secret?: unknown }
    if (typeof url === 'string' && typeof secret === 'string') return { url, secret }
  } catch {
    // Said below, the same for both.
  }
  throw new UsageError(`${file} is not what a server writes there: start the server again.`)
}

async function readSecret(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`The administration's secret cannot be read: ${error.message}`)
  })
  // An admin.json copied from the server is as good as the bare secret.
  if (text.trimStart().startsWith('{')) {
    const secret = (JSON.parse(text) as { secret?: unknown }).secret
    if (typeof secret === 'string') return secret
  }
  if (text.trim() === '') throw new UsageError(`${file} is empty: the administration's secret belongs there.`)
  return text.trim()
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UsageError(`${text} is not the address of an administration, as http://127.0.0.1:6060`)
  const url = new URL(text)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}
