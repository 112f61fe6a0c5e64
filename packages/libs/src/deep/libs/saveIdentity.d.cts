import type * as source from '../../save-identity.ts' with { 'resolution-mode': 'import' }

export declare const formatIdentityContact: typeof source.formatIdentityContact
export declare const saveIdentity: typeof source.saveIdentity
export declare const trimProperties: typeof source.trimProperties
