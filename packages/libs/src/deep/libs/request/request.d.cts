import type * as source from '../../../request/index.ts' with { 'resolution-mode': 'import' }

declare const requestFactory: typeof source.default
export default requestFactory
export declare const DEFAULT_USER_AGENT: typeof source.DEFAULT_USER_AGENT
export declare const getRequestOptions: typeof source.getRequestOptions
export declare const mergeDefaultOptions: typeof source.mergeDefaultOptions
export declare const transformWithCheerio: typeof source.transformWithCheerio
