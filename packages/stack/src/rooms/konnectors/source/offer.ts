import { HttpError, JsonApiError } from '#ground/http/errors'
import { ArchiveRefused, Unreachable } from '#rooms/registry'

/** What a source has now. */
export interface Offer extends AsyncDisposable {
  /** Text of `manifest.konnector`. */
  manifest: string
  /** The version it has here, from the manifest's (`protocol/konnectors-api.md` §1). */
  versionOf(manifestVersion: string): string
  /** SHA-256 in hex, of a registry's archive; else empty. */
  checksum: string
  /** What tells later, without fetching all, whether there is something else. */
  mark: string
  /** Fetches the code where that is not done yet, and makes a bundle of it. @returns its name. @throws SourceError */
  bundle(signal: AbortSignal): Promise<string>
}

/** A source that does not give what it should. */
export class SourceError extends Error {
  override name = 'SourceError'
  readonly kind: 'unreachable' | 'refused'

  constructor(kind: 'unreachable' | 'refused', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

/** Errors of networks and archives as those of a source; others stay what they are. */
export function sourceError(error: unknown): unknown {
  if (error instanceof Unreachable) return new SourceError('unreachable', error.message, error)
  if (error instanceof ArchiveRefused) return new SourceError('refused', error.message, error)
  return error
}

/** What who installs is told (`protocol/konnectors-api.md` §2). */
export function asWireError(error: unknown): unknown {
  if (!(error instanceof SourceError)) return error
  if (error.kind === 'refused') return new JsonApiError(400, 'Bad Request', error.message)
  return new JsonApiError(404, 'Not Found', `Application manifest is not reachable: ${error.message}`)
}

/** Message of a failure for the person: ours are sentences, others are told in the log only. */
export function sentenceOf(error: unknown): string {
  if (error instanceof SourceError || error instanceof HttpError || error instanceof JsonApiError) return error.message
  return 'Something went wrong on the server'
}
