/**
 * The server's numbers, each against a floor in the same run; the client is this process, the server another.
 *
 *     npm run bench:stack              prints a table with ratios
 *     npm run bench:stack -- --quick   shorter, with fewer documents
 *     DATABASE_URL=… npm run bench:stack   the same on an external PostgreSQL
 *
 * Exits 1 when a number misses its limit; it is not part of the tests.
 */
import { format, isOver, type Line } from './lib/report.ts'
import { documents } from './stack/documents.ts'
import { files } from './stack/files.ts'
import { find } from './stack/find.ts'
import { descendantsOf, jailTried, memoryOf, startServer, temporaryFolder } from './stack/server.ts'

const quick = process.argv.includes('--quick')
const duration = quick ? 2000 : 8000
const sizes: [number, number] = quick ? [1000, 20_000] : [1000, 100_000]

const lines: Line[] = []
const tell = (more: Line[]) => {
  for (const line of more) {
    lines.push(line)
    process.stdout.write(`${format(line)}\n`)
  }
}

using folder = temporaryFolder()
{
  // The first start makes the database and the instances; the second is what an operator sees every day.
  await using first = await startServer(folder.path)
  for (const domain of ['localhost', 'small.example', 'large.example']) {
    const made = await first.admin('POST', '/instances', { domain })
    if (made.status !== 201) throw new Error(await made.text())
  }
  tell([{ what: 'start on an empty directory', value: first.startMs, unit: 'ms' }])
}
await using server = await startServer(folder.path)
tell([{ what: 'start on an existing directory', value: server.startMs, unit: 'ms', limit: 1500 }])

await jailTried(server.pid)
const idle = memoryOf(server.pid).resident
const database = descendantsOf(server.pid).reduce((sum, pid) => sum + memoryOf(pid).own, 0)
tell([
  { what: 'idle memory, node', value: idle, unit: 'MiB', limit: 150 },
  { what: 'idle memory, database (shared counted once)', value: database, unit: 'MiB', limit: 40 },
])

const tokenFor = async (domain: string, scope: string): Promise<string> => {
  const query = new URLSearchParams({ Domain: domain, Audience: 'cli', Scope: scope })
  const answer = await server.admin('POST', `/instances/token?${query}`)
  if (!answer.ok) throw new Error(await answer.text())
  return answer.text()
}
const token = await tokenFor('localhost', 'io.cozy.bills io.cozy.files')
tell(await documents({ port: server.port, token, duration }))
tell(
  await find({
    duration,
    sizes,
    ports: {
      port: server.port,
      small: await tokenFor('small.example', 'io.cozy.bank.operations'),
      large: await tokenFor('large.example', 'io.cozy.bank.operations'),
    },
  }),
)
tell(await files({ port: server.port, pid: server.pid, token, duration }))
tell([{ what: 'memory after all of it, node', value: memoryOf(server.pid).resident, unit: 'MiB' }])
process.exitCode = lines.some(isOver) ? 1 : 0
