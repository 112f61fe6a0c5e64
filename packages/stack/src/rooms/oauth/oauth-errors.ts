import { ShapedError } from '#ground/http/errors'

/** A code of OAuth with a sentence for the developer of the client (`protocol/auth.md` §3). */
export const registrationError = (
  error:
    | 'invalid_redirect_uri'
    | 'invalid_client_metadata'
    | 'unapproved_software_id'
    | 'invalid_client_id'
    | 'invalid_client_secret',
  description: string,
) => new ShapedError(400, { error, error_description: description })

/** Flat JSON with nothing but `error`, as the token endpoint answers. Clients compare the texts. */
export const oauthError = (status: number, error: string, headers: Record<string, string> = {}) =>
  new ShapedError(status, { error }, headers)
