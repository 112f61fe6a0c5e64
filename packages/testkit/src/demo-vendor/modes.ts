import { matchesPath } from './request-log.ts'

/** What can be wrong with a vendor, and what it does; shown on `/_modes` and in the command's help. */
export const BEHAVIOURS = {
  slow: 'waits before answering',
  error: 'answers 500',
  maintenance: 'answers 503 with a maintenance page',
  hang: 'takes requests and never answers',
  'redirect-loop': 'redirects for ever',
  'rate-limited': 'answers 429 with Retry-After',
  'session-lost': 'forgets sessions on account and invoice pages',
  'html-instead-of-pdf': 'answers an HTML page where a PDF should be',
  truncated: 'breaks the connection in the middle of a PDF',
  'half-pdf': 'sends the first half of a PDF as if it were whole',
  'empty-pdf': 'sends a PDF of zero bytes',
  'changed-layout': 'shows the new site: other forms, other markup',
  gzip: 'compresses bodies whatever the client accepts',
  latin1: 'sends HTML in ISO-8859-1',
  'new-terms': 'asks for new terms to be accepted after login',
} as const

export type Behaviour = keyof typeof BEHAVIOURS
export type PathBehaviour = Behaviour | readonly Behaviour[] | { do: Behaviour; times: number }

export interface Mode {
  site?: Behaviour | readonly Behaviour[]
  /** By path (no query), `*` matches anything; all that match apply. */
  paths?: Record<string, PathBehaviour>
  /** Wait of `slow` in milliseconds, default 2000. */
  slowMs?: number
}

/** A mode, or one or more behaviours for the whole site. */
export type ModeSetting = Mode | Behaviour | readonly Behaviour[]

/** The current mode, and the counters of its `times`. */
export interface Modes {
  set(setting: ModeSetting): void
  readonly current: Mode
  /** Behaviours for one request; uses up one of the `times` that match. */
  take(path: string): { has(behaviour: Behaviour): boolean; slowMs: number }
}

export function createModes(initial: ModeSetting = {}): Modes {
  let mode: Mode = {}
  let left = new Map<string, number>()

  const set = (setting: ModeSetting) => {
    const next: Mode = typeof setting === 'string' || isList(setting) ? { site: setting } : setting
    const named = [next.site ?? [], ...Object.values(next.paths ?? {})].flatMap(behavioursOf)
    const unknown = named.filter(name => !Object.hasOwn(BEHAVIOURS, name))
    if (unknown.length > 0) {
      throw new TypeError(`Unknown behaviour ${unknown.join(', ')}. Known: ${Object.keys(BEHAVIOURS).join(', ')}`)
    }
    mode = next
    left = new Map()
    for (const [path, value] of Object.entries(next.paths ?? {})) if (isCounted(value)) left.set(path, value.times)
  }
  set(initial)

  return {
    set,
    get current() {
      return mode
    },
    take(path) {
      const active = new Set<Behaviour>(behavioursOf(mode.site ?? []))
      for (const [pattern, value] of Object.entries(mode.paths ?? {})) {
        if (!matchesPath(pattern, path)) continue
        const remaining = left.get(pattern)
        if (remaining === 0) continue
        if (remaining !== undefined) left.set(pattern, remaining - 1)
        for (const behaviour of behavioursOf(value)) active.add(behaviour)
      }
      return { has: behaviour => active.has(behaviour), slowMs: mode.slowMs ?? 2000 }
    },
  }
}

function isList(value: unknown): value is readonly Behaviour[] {
  return Array.isArray(value)
}

function isCounted(value: PathBehaviour): value is { do: Behaviour; times: number } {
  return typeof value === 'object' && !isList(value)
}

function behavioursOf(value: PathBehaviour): readonly Behaviour[] {
  if (typeof value === 'string') return [value]
  return isList(value) ? value : [value.do]
}
