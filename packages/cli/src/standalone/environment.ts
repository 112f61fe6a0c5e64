import type { Pins } from './pins.ts'

/** Everything that decides the environment of a standalone konnector. */
export interface EnvironmentOptions {
  /** The author's own environment. */
  base: NodeJS.ProcessEnv
  root: string
  stackUrl: string
  stackToken: string
  stackPort: number
  accountId: string
  folderId: string
  parameters: unknown
  /** Config `COZY_FIELDS`: other members of the trigger's message. */
  message?: Record<string, unknown> | undefined
  slug: string
  /** Seconds. */
  timeLimit: number
  pins: Pins
  gateway?: { port: number; token: string } | undefined
  /** Epoch milliseconds: the replayed run's clock. */
  clock?: number | undefined
  timeZone?: string | undefined
  colours: boolean
  /** The script carries libraries that know nothing of us: to them this is a server. */
  otherLibraries: boolean
}

/** Proxies would be asked for hosts that only we can reach, and would hide the vendor from a recording. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

/**
 * The author's environment with the server's variables on top (`sdk/cli.md` section 7, column "server"), NODE_ENV=standalone for
 * readable logs (production for a bundle made with other libraries), and KONNECTORY_RUN=standalone, which tells the libraries that a stack is really there at COZY_URL.
 */
export function konnectorEnvironment(options: EnvironmentOptions): NodeJS.ProcessEnv {
  const { base, pins, gateway } = options
  const env: NodeJS.ProcessEnv = { ...base }
  if (gateway) for (const name of PROXY_VARIABLES) delete env[name]
  const direct = ['127.0.0.1', 'localhost', ...Object.keys(pins)].join(',')
  // Modules that the bundle leaves outside (native, optional) are those of the project.
  const nodePath = [`${options.root}/node_modules`, base.NODE_PATH]
    .filter(Boolean)
    .join(process.platform === 'win32' ? ';' : ':')
  Object.assign(env, {
    NODE_ENV: options.otherLibraries ? 'production' : 'standalone',
    KONNECTORY_RUN: 'standalone',
    KONNECTORY_NET: JSON.stringify({
      stack: options.stackPort,
      pins,
      ...(gateway ? { gateway: { port: gateway.port, token: gateway.token } } : {}),
    }),
    NODE_PATH: nodePath,
    NO_PROXY: [base.NO_PROXY ?? base.no_proxy, direct].filter(Boolean).join(','),
    COZY_URL: options.stackUrl,
    COZY_CREDENTIALS: options.stackToken,
    COZY_FIELDS: JSON.stringify({
      ...options.message,
      konnector: options.slug,
      account: options.accountId,
      folder_to_save: options.folderId,
    }),
    COZY_PARAMETERS: JSON.stringify(options.parameters ?? {}),
    // Empty, as the server sets it when a job has no payload (`sdk/exports.md` section 3).
    COZY_PAYLOAD: base.COZY_PAYLOAD ?? '',
    COZY_LOCALE: base.COZY_LOCALE ?? 'fr',
    COZY_TIME_LIMIT: String(options.timeLimit),
    COZY_JOB_ID: 'standalone',
    COZY_TRIGGER_ID: '',
    // A person is there to answer, as in a run started by hand: waitForTwoFaCode refuses otherwise.
    COZY_JOB_MANUAL_EXECUTION: 'true',
    SENTRY_DSN: 'false',
  })
  delete env.no_proxy
  if (options.colours) env.FORCE_COLOR ??= '1'
  if (options.clock !== undefined) env.KONNECTORY_CLOCK = String(options.clock)
  if (options.timeZone) env.TZ = options.timeZone
  return env
}
