import type * as source from '../../process-handlers.ts' with { 'resolution-mode': 'import' }

export declare const attachProcessEventHandlers: typeof source.attachProcessEventHandlers
