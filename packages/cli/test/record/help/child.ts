import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Exchange } from '../../../src/record/exchange.ts'
import { forwarder } from '../../../src/record/forward.ts'
import { type GatewayOptions, startGateway } from '../../../src/record/gateway.ts'
import { runKonnectorProcess } from '../../../src/standalone/konnector-process.ts'
import type { Pins } from '../../../src/standalone/pins.ts'

const modules = new URL('../../../../../node_modules', import.meta.url).pathname

export interface ChildResult {
  /** What the script gave to `report(value)`. */
  reports: unknown[]
  stderr: string
  code: number | null
}

/** Runs a CommonJS script, the body of an async function, in a real child process with the preload. */
export async function runScript(body: string, net: object, env: NodeJS.ProcessEnv = {}): Promise<ChildResult> {
  const dir = await mkdtemp(join(tmpdir(), 'konnectory-script-'))
  try {
    const script = join(dir, 'index.js')
    await writeFile(
      script,
      `const report = value => console.log('REPORT ' + JSON.stringify(value));
(async () => { ${body}
})().catch(error => { console.error(error); process.exit(1) })`,
    )
    const reports: unknown[] = []
    let stderr = ''
    const end = await runKonnectorProcess({
      script,
      cwd: dir,
      env: { PATH: process.env.PATH, NODE_PATH: modules, KONNECTORY_NET: JSON.stringify(net), ...env },
      limit: 20_000,
      onLine(line, stream) {
        if (line.startsWith('REPORT ')) reports.push(JSON.parse(line.slice(7)))
        else if (stream === 'stderr') stderr += `${line}\n`
      },
    })
    return { reports, stderr, code: end.code }
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Runs a script whose whole traffic is recorded. */
export async function recordScript(body: string, pins: Pins): Promise<ChildResult & { exchanges: Exchange[] }> {
  const exchanges: Exchange[] = []
  const gateway = await startGateway({ handle: forwarder({ pins, onExchange: exchange => exchanges.push(exchange) }) })
  try {
    const result = await runScript(body, { stack: 0, pins: {}, gateway: { port: gateway.port, token: gateway.token } })
    return { ...result, exchanges }
  } finally {
    await gateway.close()
  }
}

/** Runs a script that is answered by `handle` only. */
export async function answerScript(
  body: string,
  handle: GatewayOptions['handle'],
  env: NodeJS.ProcessEnv = {},
): Promise<ChildResult> {
  const gateway = await startGateway({ handle })
  try {
    return await runScript(body, { stack: 0, pins: {}, gateway: { port: gateway.port, token: gateway.token } }, env)
  } finally {
    await gateway.close()
  }
}
