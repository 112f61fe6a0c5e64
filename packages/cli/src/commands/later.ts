import type { Command } from 'commander'
import { UsageError } from '../terminal/output.ts'

/** Scripts of existing konnectors name these; a clear sentence beats "unknown command". */
const LATER: Record<string, string> = {
  dev: 'is not in this version yet. Use konnectory standalone, which needs no server, or install the build on one (docs/reference/konnectors.md).',
  publish: 'needs a registry, which this version does not have yet.',
}

export function registerLater(program: Command): void {
  for (const [name, reason] of Object.entries(LATER)) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new UsageError(`konnectory ${name} ${reason}`)
      })
  }
}
