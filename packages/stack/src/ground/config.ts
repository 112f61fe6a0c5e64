import { resolve } from 'node:path'
import { z } from 'zod'
import { LOG_LEVELS } from './log.ts'

/** Everything the ground lets an operator decide. Made once, in `main.ts`, and handed down. */
export interface Config {
  /** Folder of all that this server keeps; absolute. */
  dataDirectory: string
  log: { level: (typeof LOG_LEVELS)[number] }
  database: DatabaseConfig
  http: HttpConfig
  /** File in which the operator describes contexts and flags (JSON). */
  contextsFile?: string
  /** How konnectors are confined. */
  jail: JailConfig
  /** Where konnectors come from, and who may install them. */
  konnectors: KonnectorsConfig
  /** Master keys from the environment, as given: the first wraps, the others still open. Without: the file's. */
  masterKeys?: string[]
}

export interface JailConfig {
  /** `none` confines nothing, for development; `off`: this server runs no konnectors. */
  driver: 'bubblewrap' | 'nsjail' | 'none' | 'off'
  /** Names tied to addresses: the only way to a private one. */
  pinnedHosts: { host: string; address: string; port?: number }[]
}

export interface HttpConfig {
  /** Address to listen on; other machines reach us only when it is not the loopback one. */
  host: string
  /** 0: any free one. */
  port: number
  /** Of the administration's listener, always on 127.0.0.1. 0: any free one. */
  adminPort: number
  /** Whether clients reach us by https, through a proxy in front; then links are https and cookies `Secure`. */
  secure: boolean
  /** Port in the URLs of instances, where it is not the one we listen on (a proxy). */
  publicPort?: number | undefined
  /** How apps are addressed: `drive.alice.example` or `alice-drive.example` (`protocol/conventions.md` §2). */
  subdomains: 'nested' | 'flat'
}

export interface KonnectorsConfig {
  /** Base URLs of the registries, in the order they are asked; the operator's word, so they may be private addresses. */
  registries: string[]
  /** Folder of built konnectors that is asked before the registries; absolute. */
  folder?: string | undefined
  /** Slugs of the apps that may install from a registry (`protocol/permissions.md` §4). */
  installers: string[]
  /** Whether `file://` and `git+file://` may be installed from: for development, they read this machine's disk. */
  localSources: boolean
  /** Whether sources may be at loopback and private addresses, and there by plain http. */
  privateSources: boolean
}

export interface DatabaseConfig {
  /** An external PostgreSQL; without it one is started here. */
  url?: string | undefined
  /** Folder of `postgres` and `initdb` to start instead of those from npm. */
  binaries?: string | undefined
  /** Which binaries to start; without a choice the recorded ones, at first those from npm. */
  choice?: 'package' | 'system' | undefined
  /** Where the private socket goes when the usual places are too long. */
  socketDirectory?: string | undefined
  /** Most connections this process holds at a time. */
  connections: number
  /** Milliseconds after which the database gives a statement up. */
  statementTimeout: number
}

const text = z.string().trim()
const wholeNumber = (least: number, most: number) =>
  text
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`))

const yesOrNo = z.enum(['0', '1'], 'must be 0 or 1').default('0')
const words = (given: string) => given.split(/[\s,]+/).filter(word => word !== '')

const MASTER_KEYS = /^([0-9a-f]{64}|[\w+/-]{43}=?)(\s*,\s*([0-9a-f]{64}|[\w+/-]{43}=?))*$/i

/** `vendor.test=127.0.0.1:8081, other.test=10.0.0.3` */
function pinnedHosts(value: string, context: z.RefinementCtx): { host: string; address: string; port?: number }[] {
  return words(value).flatMap(entry => {
    const [, host, address, port] = /^([^=\s]+)=([^:\s]+|\[[^\]]+\])(?::(\d{1,5}))?$/.exec(entry) ?? []
    if (host && address)
      return [{ host, address: address.replace(/^\[|\]$/g, ''), ...(port && { port: Number(port) }) }]
    context.addIssue({
      code: 'custom',
      message: 'must be like vendor.example=127.0.0.1:8081, several with commas between',
    })
    return []
  })
}

const environmentSchema = z.object({
  KONNECTORY_DATA: text.default('konnectory-data'),
  KONNECTORY_LOG: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  DATABASE_URL: text
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .refine(value => URL.canParse(value), 'is not a URL; a special character in the password must be %-encoded')
    .optional(),
  PG_BIN: text.optional(),
  KONNECTORY_POSTGRES: z.enum(['package', 'system'], 'must be package or system').optional(),
  KONNECTORY_SOCKET_DIR: text.optional(),
  KONNECTORY_DATABASE_CONNECTIONS: wholeNumber(2, 1000).default(10),
  KONNECTORY_STATEMENT_TIMEOUT: wholeNumber(100, 3_600_000).default(30_000),
  KONNECTORY_MASTER_KEY: text
    .regex(MASTER_KEYS, 'must be 32 random bytes in base64 or hexadecimal; several with commas between')
    .transform(keys => keys.split(/\s*,\s*/))
    .optional(),
  KONNECTORY_HOST: text.default('127.0.0.1'),
  KONNECTORY_PORT: wholeNumber(0, 65_535).default(8080),
  KONNECTORY_ADMIN_PORT: wholeNumber(0, 65_535).default(6060),
  KONNECTORY_PUBLIC_SCHEME: z.enum(['http', 'https'], 'must be http or https').default('http'),
  KONNECTORY_PUBLIC_PORT: wholeNumber(1, 65_535).optional(),
  KONNECTORY_CONTEXTS: text.optional(),
  KONNECTORY_JAIL: z
    .enum(['bubblewrap', 'nsjail', 'none', 'off'], 'must be bubblewrap, nsjail, none or off')
    .default('bubblewrap'),
  KONNECTORY_GATE_HOSTS: text.transform(pinnedHosts).default([]),
  KONNECTORY_SUBDOMAINS: z.enum(['nested', 'flat'], 'must be nested or flat').default('nested'),
  KONNECTORY_REGISTRIES: text
    .default('')
    .transform(words)
    .refine(
      urls => urls.every(url => /^https?:\/\//.test(url) && URL.canParse(url)),
      'must be http:// or https:// URLs, with commas between',
    ),
  KONNECTORY_KONNECTORS_DIR: text.optional(),
  KONNECTORY_INSTALLERS: text.default('store, collect').transform(words),
  KONNECTORY_INSTALL_LOCAL: yesOrNo,
  KONNECTORY_INSTALL_PRIVATE: yesOrNo,
})

/** The environment says something that cannot be; `message` has one line per problem, without any value. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the environment.
 * @param environment `process.env`, in main only; an empty text counts as absent
 * @throws ConfigError naming every variable that is wrong, and never what it holds
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()))
  const parsed = environmentSchema.safeParse(given)
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'))
  }
  const env = parsed.data
  if (env.DATABASE_URL && (env.PG_BIN || env.KONNECTORY_POSTGRES)) {
    throw new ConfigError(
      'DATABASE_URL says to use an external database, PG_BIN and KONNECTORY_POSTGRES say which one to start: set one or the other',
    )
  }
  if (env.PG_BIN && env.KONNECTORY_POSTGRES) {
    throw new ConfigError('PG_BIN and KONNECTORY_POSTGRES both say which PostgreSQL to start: set one of them')
  }
  return {
    dataDirectory: resolve(env.KONNECTORY_DATA),
    log: { level: env.KONNECTORY_LOG },
    database: {
      url: env.DATABASE_URL,
      binaries: env.PG_BIN && resolve(env.PG_BIN),
      choice: env.KONNECTORY_POSTGRES,
      socketDirectory: env.KONNECTORY_SOCKET_DIR && resolve(env.KONNECTORY_SOCKET_DIR),
      connections: env.KONNECTORY_DATABASE_CONNECTIONS,
      statementTimeout: env.KONNECTORY_STATEMENT_TIMEOUT,
    },
    jail: { driver: env.KONNECTORY_JAIL, pinnedHosts: env.KONNECTORY_GATE_HOSTS },
    konnectors: {
      registries: env.KONNECTORY_REGISTRIES,
      folder: env.KONNECTORY_KONNECTORS_DIR && resolve(env.KONNECTORY_KONNECTORS_DIR),
      installers: env.KONNECTORY_INSTALLERS,
      localSources: env.KONNECTORY_INSTALL_LOCAL === '1',
      privateSources: env.KONNECTORY_INSTALL_PRIVATE === '1',
    },
    ...(env.KONNECTORY_MASTER_KEY && { masterKeys: env.KONNECTORY_MASTER_KEY }),
    ...(env.KONNECTORY_CONTEXTS && { contextsFile: resolve(env.KONNECTORY_CONTEXTS) }),
    http: {
      host: env.KONNECTORY_HOST,
      port: env.KONNECTORY_PORT,
      adminPort: env.KONNECTORY_ADMIN_PORT,
      secure: env.KONNECTORY_PUBLIC_SCHEME === 'https',
      publicPort: env.KONNECTORY_PUBLIC_PORT,
      subdomains: env.KONNECTORY_SUBDOMAINS,
    },
  }
}
