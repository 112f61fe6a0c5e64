import type * as source from '../../cozy-domain.ts' with { 'resolution-mode': 'import' }

export declare const getDomain: typeof source.getDomain
export declare const getInstance: typeof source.getInstance
