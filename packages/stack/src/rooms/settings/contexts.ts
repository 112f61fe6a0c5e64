import { z } from 'zod'

/** A flag given to a part of the instances: the first whose ratios, added up, pass the instance's own number. */
const shares = z.array(z.object({ ratio: z.number().min(0).max(1), value: z.unknown() }))

/** What an operator says about the instances of a context (`protocol/settings.md` §4, §5). */
const contextSchema = z.looseObject({
  /** Names of flags that are on, or flags with values. */
  features: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  flags: z.record(z.string(), shares).optional(),
  sponsorships: z.array(z.string()).optional(),
  oauth_clients_max: z.number().int().min(0).optional(),
})
const contextsSchema = z.object({
  contexts: z.record(z.string(), contextSchema).default({}),
  /** Flags of every context, last of all. */
  defaults: z.record(z.string(), shares).default({}),
})

export type ContextSettings = z.infer<typeof contextSchema>
export type Contexts = z.infer<typeof contextsSchema>

/** Nothing said. */
export const NO_CONTEXTS: Contexts = { contexts: {}, defaults: {} }

/**
 * Reads the contexts of an operator's file.
 * @param text JSON `{"contexts":{"default":{…}},"defaults":{…}}`
 * @throws Error with a sentence that names the place
 */
export function readContexts(text: string): Contexts {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`The file of contexts is no JSON: ${(error as Error).message}`)
  }
  const parsed = contextsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new Error(`The file of contexts, ${issue.path.join('.') || 'as a whole'}: ${issue.message}`)
}
