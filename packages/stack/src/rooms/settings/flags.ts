import { crc32 } from 'node:zlib'
import type { Instance } from '#rooms/instances'
import type { Contexts } from './contexts.ts'

/** One place flags come from, with what it says. */
export interface FlagSource {
  /** Id in `included`: `io.cozy.settings.flags.<name>`. */
  name: 'instance' | 'config' | 'context' | 'default'
  flags: Record<string, unknown>
}

/** Where an instance's flags come from, the strongest first (`protocol/settings.md` §5). */
export function flagSources(instance: Pick<Instance, 'uuid' | 'context' | 'flags'>, contexts: Contexts): FlagSource[] {
  const context = contexts.contexts[instance.context]
  const { features = {} } = context ?? {}
  return [
    { name: 'instance', flags: instance.flags },
    {
      name: 'config',
      flags: Array.isArray(features) ? Object.fromEntries(features.map(name => [name, true])) : features,
    },
    { name: 'context', flags: drawn(instance.uuid, context?.flags ?? {}) },
    { name: 'default', flags: drawn(instance.uuid, contexts.defaults) },
  ]
}

/** The flags that hold: the first source that names one decides; `null` there hides it altogether. */
export function mergeFlags(sources: FlagSource[]): Record<string, unknown> {
  const merged = new Map<string, unknown>()
  for (const { flags } of sources)
    for (const [name, value] of Object.entries(flags)) if (!merged.has(name)) merged.set(name, value)
  return Object.fromEntries([...merged].filter(([, value]) => value !== null))
}

/** Each instance has its own number for each flag, the same at every read: a part of them sees a flag, always the same part. */
function drawn(uuid: string, flags: Record<string, { ratio: number; value?: unknown }[]>): Record<string, unknown> {
  const values = Object.entries(flags).flatMap(([name, shares]) => {
    const number = crc32(`${uuid}:${name}`) / 2 ** 32
    let sum = 0
    const share = shares.find(({ ratio }) => {
      sum += ratio
      return number < sum
    })
    return share ? [[name, share.value ?? null] as const] : []
  })
  return Object.fromEntries(values)
}
