/**
 * Envelope encryption of secrets at rest (design.md decision 10): AES-256-GCM, a data key per tenant wrapped by a master key
 * with an id; what a secret belongs to is part of its authentication (AAD), so that a sealed text moved elsewhere does not open.
 */
export interface Keyring {
  /** Seals a text for a tenant and a context such as `account:<id>`. Text without spaces, URL-safe. */
  seal(tenantId: string, context: string, secret: string): Promise<string>
  /** @throws KeyringError when it was sealed for another tenant or context, by an unknown key, or has been changed */
  open(tenantId: string, context: string, sealed: string): Promise<string>
  /** For secrets of the server itself, of no tenant. */
  sealGlobal(context: string, secret: string): Promise<string>
  openGlobal(context: string, sealed: string): Promise<string>
}

export class KeyringError extends Error {
  override name = 'KeyringError'
}
