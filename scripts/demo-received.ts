import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Where standalone keeps documents, by doctype (`sdk/stub.md` section 1). */
const DATA_FILE = 'importedData.json'

export interface ReceivedBill {
  _id: string
  /** ISO date. */
  date: string
  amount: number
  currency?: string
  isRefund?: boolean
  /** `io.cozy.files:<id>` */
  invoice?: string
}

export interface ReceivedFile {
  /** Below the folder. */
  path: string
  bytes: number
}

/** What a folder of a standalone run holds: documents of its data file, files found on the disk. */
export interface Received {
  bills: ReceivedBill[]
  files: ReceivedFile[]
  /** Path of a file by its document's id. */
  pathOf(invoice: string | undefined): string | undefined
}

interface FileRecord {
  _id: string
  dir_id?: string
  name?: string
  type?: string
  attributes?: { name?: string; type?: string; dir_id?: string }
}

/** Reads a folder; a folder where nothing arrived yet is empty. Throws when its data file cannot be read as JSON. */
export async function readReceived(folder: string): Promise<Received> {
  const data = await readData(join(folder, DATA_FILE))
  const files = await listFiles(folder)
  const records = (data['io.cozy.files'] ?? []) as FileRecord[]
  const nameById = new Map(records.map(record => [record._id, record.name ?? record.attributes?.name]))
  return {
    bills: (data['io.cozy.bills'] ?? []) as ReceivedBill[],
    files,
    pathOf(invoice) {
      const name = nameById.get(invoice?.replace(/^io\.cozy\.files:/, '') ?? '')
      return name === undefined ? undefined : files.find(({ path }) => path === name || path.endsWith(`/${name}`))?.path
    },
  }
}

async function readData(file: string): Promise<Record<string, unknown[]>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown[]>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Error(`${file} cannot be read: ${(error as Error).message}`)
  }
}

async function listFiles(folder: string): Promise<ReceivedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile() && entry.name !== DATA_FILE && !entry.name.startsWith('.'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  return Promise.all(
    paths.map(async path => ({ path: relative(folder, path).replaceAll('\\', '/'), bytes: (await stat(path)).size })),
  )
}
