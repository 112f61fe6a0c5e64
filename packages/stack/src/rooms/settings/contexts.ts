import type { Tenant } from '#ground/tenant'
import type { Instance } from '#rooms/instances'
import { type FlagSources, flagsBySource, mergeFlags } from './flags.ts'

/** Configuration of a group of instances. */
export interface ContextConfig {
  /** What clients are told of it: `help_link`, `manager_url`, `support_address`, `default_redirection`… */
  attributes?: Record<string, unknown>
  features?: FlagSources['config']
  /** Flags by ratio. */
  flags?: FlagSources['context']
}

export interface SettingsOptions {
  /** By the name that instances have; one without configuration has none of it. */
  contexts?: Record<string, ContextConfig>
  /** Flags by ratio for all contexts. */
  defaultFlags?: FlagSources['defaults']
}

export function createContexts({ contexts = {}, defaultFlags }: SettingsOptions) {
  const configOf = ({ context }: Instance): ContextConfig =>
    Object.hasOwn(contexts, context) ? contexts[context]! : {}
  const sourcesOf = (instance: Instance) => {
    const { features, flags } = configOf(instance)
    return flagsBySource(
      { instance: instance.flags, config: features, context: flags, defaults: defaultFlags },
      instance.id,
    )
  }
  const flagsOf = (tenant: Tenant) => mergeFlags(sourcesOf(tenant as Instance))

  return {
    attributesOf: (instance: Instance): Record<string, unknown> => ({
      ...configOf(instance).attributes,
      sponsorships: configOf(instance).attributes?.sponsorships ?? [],
    }),
    sourcesOf,
    flagsOf,
    /** Most connected devices; undefined: any number. */
    clientsLimit(tenant: Tenant): number | undefined {
      const limit = flagsOf(tenant)['cozy.oauthclients.max']
      return typeof limit === 'number' && limit >= 0 ? limit : undefined
    },
  }
}

export type Contexts = ReturnType<typeof createContexts>
