import type * as source from '../../sentry.ts' with { 'resolution-mode': 'import' }

export declare const captureExceptionAndDie: typeof source.captureExceptionAndDie
export declare const wrapIfSentrySetUp: typeof source.wrapIfSentrySetUp
