/** All rights; for flagship clients only. */
export const MAXIMAL_SCOPE = '*'
/** Of tokens that only prove who somebody is: they allow nothing. */
export const LOGIN_SCOPE = 'login'

const LINKED = '@io.cozy.apps/'

/** The app whose manifest says what a linked client may do: `@io.cozy.apps/<slug>`. Undefined for any other scope. */
export function linkedSlug(scope: string | undefined): string | undefined {
  return scope?.startsWith(LINKED) && scope.length > LINKED.length ? scope.slice(LINKED.length) : undefined
}
