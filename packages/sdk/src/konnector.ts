import type { StackClient } from '@konnectory/client'
import type { AccountHandle } from './account.ts'
import type { FieldSpecs, FieldValues } from './fields.ts'
import type { Http, HttpDefaults } from './http/http-client.ts'
import type { Errors } from './konnector-error.ts'
import type { Log } from './logger.ts'
import type { Progress } from './progress.ts'
import type { Save } from './save-binding.ts'
import type { Session } from './session.ts'
import type { TwoFactor } from './two-factor.ts'

/** Tells a konnector from other exports; the build looks for it (`start.ts`). */
export const KONNECTOR_KIND = 'konnectory.konnector'

/** What the SDK reads of `manifest.konnector`; the rest is the author's. */
export interface ManifestLike {
  readonly slug?: string
  readonly name?: string
  readonly version?: string
  readonly fields?: FieldSpecs
  readonly banksTransactionRegExp?: string
  readonly [property: string]: unknown
}

type Nothing = Record<never, never>
type FieldsOf<M> = M extends { readonly fields: infer F } ? F : Nothing
/** The manifest's fields; those declared in the definition take the place of the manifest's of the same name. */
type AllFields<M, F> = Omit<FieldsOf<M>, keyof F> & F

/** What one run of a konnector is given. */
export interface RunContext<M = ManifestLike, F = Nothing> {
  /** What the owner filled in (`auth` and `oauth` of the account). */
  readonly fields: FieldValues<AllFields<M, F>>
  /** HTTP with the run's cookies. */
  readonly http: Http
  /** Puts things into the owner's space. */
  readonly save: Save
  /** Cookies kept between runs. */
  readonly session: Session
  /** Asks the owner for a code. */
  readonly twoFactor: TwoFactor
  /** Tells the owner what is going on. */
  readonly progress: Progress
  readonly log: Log
  /** Aborts before the time limit, and on SIGTERM. */
  readonly signal: AbortSignal
  readonly account: AccountHandle
  /** `null` when the konnector has none. */
  readonly parameters: Record<string, unknown> | null
  /** The manifest: the one given to `defineKonnector`, else the one the build put in. */
  readonly manifest: ManifestLike
  /** What a webhook sent; `null` when this run comes from elsewhere. */
  readonly payload: unknown
  readonly errors: Errors
  /** Where files go; undefined when the konnector asked for no folder. */
  readonly folderPath: string | undefined
  /** The owner's stack, for what `save` does not do. */
  readonly client: StackClient
  /** Language of the owner (`fr`, `en`...). */
  readonly locale: string | undefined
  readonly job: { readonly id: string | undefined; readonly triggerId: string | undefined; readonly manual: boolean }
}

export interface KonnectorDefinition<M = ManifestLike, F = Nothing> {
  /** The manifest, when the code has it at hand; else the build provides it. */
  readonly manifest?: M
  /** Account fields, for their types; the form itself comes from the manifest. */
  readonly fields?: F
  /** Defaults of `http`. */
  readonly http?: HttpDefaults
  /** Brings what is new. Throw to say that it failed. */
  run(context: RunContext<M, F>): unknown
  /**
   * The owner removed the account: undo what was set up at the vendor. Runs instead of `run` when the manifest says
   * `"on_delete_account": "index.js"`.
   */
  onDeleteAccount?(context: RunContext<M, F>): unknown
}

/** A konnector: a plain object. Nothing happens until `run` of this package, or the build's start code, gets it. */
export interface Konnector<M = ManifestLike, F = Nothing> extends KonnectorDefinition<M, F> {
  readonly kind: typeof KONNECTOR_KIND
}

/** Any konnector, whatever its fields. */
// biome-ignore lint/suspicious/noExplicitAny: a run's context is made to measure; who only starts konnectors does not see it
export type AnyKonnector = Konnector<any, any>

/**
 * Describes a konnector; export it as default.
 *
 * Fields get their types from `fields`, from a manifest written in place, or from `defineKonnector<typeof manifest>`.
 */
export function defineKonnector<const M extends ManifestLike = Nothing, const F extends FieldSpecs = Nothing>(
  definition: KonnectorDefinition<M, F>,
): Konnector<M, F> {
  return { ...definition, kind: KONNECTOR_KIND }
}
