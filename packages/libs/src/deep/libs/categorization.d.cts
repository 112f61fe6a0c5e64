import type * as source from '../../bank/categorization.ts' with { 'resolution-mode': 'import' }

export declare const categorize: typeof source.categorize
export declare const createCategorizer: typeof source.createCategorizer
