/** One person's space in the server, as far as the ground and every room must know it. The rest is the instances room's. */
export interface Tenant {
  /** UUID; leads every key in the database. Never shown to clients. */
  id: string
  /** Host name clients use, `alice.example.net`; in development with its port when it was created with one. Issuer of tokens. */
  domain: string
  /** A domain it had before; tokens of it are still good (`protocol/auth.md` §1). */
  oldDomain?: string | undefined
  /** Base URL with a final slash, `https://alice.example.net/`. */
  url: string
  /** BCP 47, `fr`. */
  locale: string
}
