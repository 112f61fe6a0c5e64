/** What a permission rule may allow (`protocol/permissions.md` §1). `HEAD` counts as `GET`, `OPTIONS` is always free. */
export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Kinds of tokens that reach the API (`protocol/auth.md` §1); `register` is the onboarding's `registerToken`. */
export type ActorKind = 'app' | 'konnector' | 'oauth' | 'cli' | 'share' | 'register'

/** What a token may do. Made by the permissions room, asked by every route. Rules are a union; nothing denies. */
export interface Grant {
  /** Everything, without any rule: a flagship client with scope `*`. */
  readonly maximal: boolean
  /** A rule on the doctype (or a wildcard covering it) with the verb and no values. */
  allowsWholeType(verb: Verb, doctype: string): boolean
  /** The whole type, or a rule without selector whose values hold the id. */
  allowsId(verb: Verb, doctype: string, id: string): boolean
  /**
   * The whole type, the id, or a rule whose selector names a top-level field of the document with one of its values.
   * `document` is the stored JSON (without `_id`), an empty object for one that is not there.
   */
  allowsDocument(verb: Verb, doctype: string, id: string | undefined, document: Record<string, unknown>): boolean
  /** A rule with a selector in `fields` and a matching value, or the whole type; `object` holds the fields. */
  allowsOnFields(verb: Verb, doctype: string, object: Record<string, unknown>, fields: string[]): boolean
}

/** Who makes a request, and what it may do. */
export interface Actor {
  kind: ActorKind
  /** Slug of an app or konnector, id of an OAuth client, `CLI`, code name of a share. */
  subject: string
  /** Slug written into `cozyMetadata` (`createdByApp`): app, konnector, or the linked app of an OAuth client. */
  slug?: string | undefined
  /** Version of that app or konnector, when known. */
  version?: string | undefined
  /** The OAuth client behind an access token. */
  client?: { id: string; kind?: string | undefined; name?: string | undefined } | undefined
  /** Session an app token is bound to. */
  sessionId?: string | undefined
  /** Of a konnector run's token: the only account whose secrets it opens. */
  accountId?: string | undefined
  /** The document of the permissions room behind the grant; none for scopes. */
  permissionId?: string | undefined
  grant: Grant
}
