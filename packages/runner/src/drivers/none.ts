import { dirname, join } from 'node:path'
import type { Driver } from './driver.ts'
import { environment, nodeArguments } from './node-arguments.ts'

/**
 * Confines nothing: for developing on a machine without namespaces. The gate is there, by the same preload, so that a domain
 * missing from the manifest shows up here too; a konnector that wants round it goes round it.
 */
export function noneDriver(): Driver {
  return {
    name: 'none',
    isConfined: false,
    setupCodes: [],
    assertUsable() {},
    command(plan) {
      const script = join(plan.dir, plan.entry)
      return {
        command: plan.root.node,
        args: nodeArguments(plan, script),
        env: environment(plan, {
          home: '/tmp',
          path: '/usr/bin:/bin',
          bridge: plan.root.bridge,
          socket: plan.gate?.socket ?? '',
        }),
        cwd: plan.entry === '.' ? plan.dir : dirname(script),
        inputs: [],
        hasStatus: false,
      }
    },
  }
}
