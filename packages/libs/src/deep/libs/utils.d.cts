import type * as libs from '../../index.ts' with { 'resolution-mode': 'import' }

declare const exported: typeof libs.utils
export = exported
