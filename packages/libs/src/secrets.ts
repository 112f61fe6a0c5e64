import { createSecretMask } from '@konnectory/sdk/secrets'

/**
 * Values that must never be seen in a log line: passwords, tokens, one-time codes.
 * Every line `log` writes goes through `maskSecrets`, whatever the konnector put in it. One mask per process, as there is
 * one `log`.
 */
const secrets = createSecretMask()

/** Hides a value, in every form it takes, from all later log lines; of an object or array, all that it holds. */
export const registerSecret = secrets.hide

/**
 * Hides the secrets of an account: fields the manifest declares as password, fields named like one, at any depth
 * (`auth`, `oauth`, saved sessions in `data`).
 */
export const registerSecretFields = secrets.hideFields

/** @returns `text` with every registered secret replaced by `***` */
export const maskSecrets = secrets.mask

/** Forgets every registered value (between tests). */
export const forgetSecrets = secrets.forget
