import { crc32 } from 'node:zlib'

/** One value of a flag, for a part of the instances. */
export interface RatioEntry {
  /** From 0 to 1: the part of the instances below which this value holds. */
  ratio: number
  value: unknown
}

/** Where a flag may be defined, in the order in which the first definition wins (`protocol/settings.md` §5). */
export interface FlagSources {
  instance: Record<string, unknown>
  /** Sets that a manager of many instances hands out; this server has none. */
  manager?: Record<string, unknown> | undefined
  /** `features` of the context's configuration: names, which are then true, or names with values. */
  config?: readonly unknown[] | Record<string, unknown> | undefined
  /** Of the context, chosen by ratio. */
  context?: Record<string, readonly RatioEntry[]> | undefined
  /** For all contexts, likewise. */
  defaults?: Record<string, readonly RatioEntry[]> | undefined
}

export type FlagValues = Record<string, unknown>
export const SOURCE_NAMES = ['instance', 'manager', 'config', 'context', 'default'] as const
type SourceName = (typeof SOURCE_NAMES)[number]

/** What each source says, in their order; those that say nothing are left out. */
export function flagsBySource(sources: FlagSources, instanceId: string): { name: SourceName; flags: FlagValues }[] {
  const { instance, manager = {}, config, context = {}, defaults = {} } = sources
  const all: Record<SourceName, FlagValues> = {
    instance,
    manager,
    config: configured(config),
    context: chosen(context, instanceId),
    default: chosen(defaults, instanceId),
  }
  return SOURCE_NAMES.map(name => ({ name, flags: all[name] })).filter(({ flags }) => Object.keys(flags).length > 0)
}

/** The flags of an instance. A `null` is a definition too: it hides those of later sources. */
export function mergeFlags(sources: { flags: FlagValues }[]): FlagValues {
  // Without a prototype: a flag may have any name.
  const merged: FlagValues = Object.create(null)
  for (const { flags } of sources) {
    for (const [name, value] of Object.entries(flags)) if (!(name in merged)) merged[name] = value
  }
  return { ...merged }
}

/** A list holds names, or objects with one name and its value each; both are what configurations in YAML look like. */
function configured(features: FlagSources['config']): FlagValues {
  if (!Array.isArray(features)) return { ...(features as FlagValues | undefined) }
  return Object.assign(
    {},
    ...features.map(feature =>
      typeof feature === 'string' ? { [feature]: true } : typeof feature === 'object' && feature !== null ? feature : {},
    ),
  )
}

function chosen(lists: Record<string, readonly RatioEntry[]>, instanceId: string): FlagValues {
  const flags: FlagValues = {}
  for (const [name, entries] of Object.entries(lists)) {
    const value = valueByRatio(name, entries, instanceId)
    if (value !== undefined && value !== null) flags[name] = value
  }
  return flags
}

const MOST = 0xffff_ffff

/**
 * The value of the first entry whose ratio is above the instance's share: CRC-32 of `<instance id>:<flag>`, so that an instance
 * keeps its value, and that other instances have a flag says nothing of another flag.
 */
export function valueByRatio(flag: string, entries: readonly RatioEntry[], instanceId: string): unknown {
  const share = crc32(`${instanceId}:${flag}`)
  return entries.find(({ ratio }) => ratio >= 1 || (ratio > 0 && share < ratio * MOST))?.value
}
