import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalStack } from '@konnectory/standalone'
import { bundle } from '../../packages/cli/src/build/bundle.ts'
import { type Cost, costOf, medianCosts } from '../lib/process-cost.ts'
import type { Line } from '../lib/report.ts'

/** A konnector that does nothing, in the two ways of writing one. */
const noops: Record<string, { entry: string; source: string }> = {
  libs: {
    entry: 'index.js',
    source: `const { BaseKonnector } = require('cozy-konnector-libs')\nmodule.exports = new BaseKonnector(async () => {})\n`,
  },
  sdk: {
    entry: 'index.ts',
    source: `import { defineKonnector } from '@konnectory/sdk'\nexport default defineKonnector({ async run() {} })\n`,
  },
}

/** Start to end of a bundle that does nothing, run as the server runs it, against `node -e 0`. */
export async function noopStart(rounds: number): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-noop-'))
  const stack = createLocalStack({ root: join(folder, 'space'), account: { id: 'a', auth: {} } })
  const server = await stack.listen()
  const env = {
    COZY_URL: server.url,
    COZY_CREDENTIALS: server.token,
    COZY_FIELDS: JSON.stringify({ account: 'a', konnector: 'noop', folder_to_save: 'io.cozy.files.root-dir' }),
    COZY_PARAMETERS: 'null',
    COZY_JOB_MANUAL_EXECUTION: 'false',
  }
  try {
    const candidates: Record<string, () => Promise<Cost>> = { bare: () => succeed(['-e', '0'], {}) }
    for (const [name, { entry, source }] of Object.entries(noops)) {
      const root = join(folder, name)
      mkdirSync(root)
      writeFileSync(join(root, entry), source)
      await bundle({ root, entry, outdir: join(root, 'build'), manifest: { slug: 'noop', version: '1.0.0' } })
      const place = join(folder, `run-${name}`)
      cpSync(join(root, 'build'), place, { recursive: true })
      candidates[name] = () => succeed([place], env)
    }
    const costs = await medianCosts(candidates, rounds)
    const against = (key: 'cpuMs' | 'peakMb') => ({ name: 'bare node', value: costs.bare![key] })
    return Object.keys(noops).flatMap(name => [
      {
        what: `no-op start with ${name}, CPU`,
        value: costs[name]!.cpuMs,
        unit: 'ms',
        against: against('cpuMs'),
        limit: 2.5,
      },
      {
        what: `no-op start with ${name}, peak memory`,
        value: costs[name]!.peakMb,
        unit: 'MB',
        against: against('peakMb'),
        limit: 1.6,
      },
    ])
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function succeed(args: string[], env: NodeJS.ProcessEnv): Promise<Cost> {
  const cost = await costOf(args, { env })
  if (cost.code !== 0) throw new Error(`the no-op konnector ended with ${cost.code}:\n${cost.output}`)
  return cost
}
