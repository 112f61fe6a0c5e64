import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DemoVendor, type DemoVendorOptions, startDemoVendor } from '@konnectory/testkit/demo-vendor'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const CLI = join(ROOT, 'packages/cli/src/bin.ts')

export interface Bill {
  _id: string
  _rev: string
  date: string
  amount: number
  vendorRef: string
  isRefund?: boolean
  invoice: string
  contractId?: string
}

export interface Run {
  /** Exit code. */
  code: number | null
  /** Both streams, in the order they came. */
  output: string
}

export interface Kept {
  bills: Bill[]
  /** Every document by doctype. */
  documents: Record<string, Record<string, unknown>[]>
  /** Paths of the saved files, sorted. */
  files: string[]
  read(path: string): Promise<Buffer>
}

/** A sample konnector copied out of the repository, and a demo vendor for it. Both end with the test. */
export interface Workshop {
  vendor: DemoVendor
  /** One run of `konnectory standalone` there. `answers` is called with the output so far, and gives what to type. */
  run(fields: Record<string, unknown>, options?: RunOptions): Promise<Run>
  kept(): Promise<Kept>
  [Symbol.asyncDispose](): Promise<void>
}

export interface RunOptions {
  parameters?: Record<string, unknown>
  /** Called at each piece of output; what it gives is typed into the terminal. */
  type?: (output: string) => string | undefined
}

export async function openWorkshop(konnector: string, options: DemoVendorOptions = {}): Promise<Workshop> {
  const dir = await mkdtemp(join(tmpdir(), `${konnector}-`))
  const folder = join(dir, konnector)
  const received = join(dir, 'received')
  await mkdir(received)
  await cp(join(ROOT, 'konnectors', konnector), folder, {
    recursive: true,
    filter: path => !['node_modules', 'build', 'konnector-dev-config.json'].includes(basename(path)),
  })
  const vendor = await startDemoVendor(options)
  return {
    vendor,
    async run(fields, { parameters = {}, type } = {}) {
      await writeFile(
        join(folder, 'konnector-dev-config.json'),
        JSON.stringify({ fields, COZY_PARAMETERS: parameters }),
      )
      const args = [CLI, 'standalone', '--dir', received, '--host', `demo-vendor.test=127.0.0.1:${vendor.port}`]
      const child = spawn(process.execPath, args, { cwd: folder, stdio: 'pipe', timeout: 60_000 })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (part: string) => {
          output += part
          const answer = type?.(output)
          if (answer !== undefined) child.stdin.write(`${answer}\n`)
        })
      }
      if (!type) child.stdin.end()
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, output }
    },
    async kept() {
      const entries = await readdir(received, { recursive: true, withFileTypes: true })
      const files = entries
        .filter(entry => entry.isFile() && entry.name.endsWith('.pdf'))
        .map(entry => join(entry.parentPath, entry.name).slice(received.length + 1))
        .sort()
      const data = await readFile(join(received, 'importedData.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '{}'
        throw error
      })
      const documents = JSON.parse(data) as Kept['documents']
      const bills = (documents['io.cozy.bills'] ?? []) as unknown as Bill[]
      return { bills, documents, files, read: path => readFile(join(received, path)) }
    },
    async [Symbol.asyncDispose]() {
      await vendor.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
