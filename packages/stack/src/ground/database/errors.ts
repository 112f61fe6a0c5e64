import pg from 'pg'

/** A statement the database refused, or an answer that did not come. The cause is the driver's error. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
  /** SQLSTATE, or Node's code where no server spoke. */
  readonly code: string

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** Something with this key is already there. */
export class UniqueViolation extends DatabaseError {
  override name = 'UniqueViolation'
  /** Name of the constraint or unique index. */
  readonly constraint: string
  readonly table: string

  constructor(cause: pg.DatabaseError) {
    super(`${cause.table}: ${cause.constraint} is already taken`, '23505', cause)
    this.constraint = cause.constraint ?? ''
    this.table = cause.table ?? ''
  }
}

/** A reference to a row that is not there, a missing value, a value outside its bounds. */
export class IntegrityViolation extends DatabaseError {
  override name = 'IntegrityViolation'
  readonly constraint: string
  readonly table: string

  constructor(cause: pg.DatabaseError) {
    super(cause.message, cause.code ?? '', cause)
    this.constraint = cause.constraint ?? ''
    this.table = cause.table ?? ''
  }
}

/** Two transactions were in each other's way; the whole transaction may be tried again. */
export class TransactionConflict extends DatabaseError {
  override name = 'TransactionConflict'
}

/** The statement took longer than the connection allows. */
export class StatementTimeout extends DatabaseError {
  override name = 'StatementTimeout'
}

/** A text of the request that no PostgreSQL keeps or compares: with U+0000 in it. */
export class UnstorableText extends DatabaseError {
  override name = 'UnstorableText'
}

/** The server is not there, went away, or takes no more clients. Whether a commit under way was done is not known. */
export class DatabaseUnavailable extends DatabaseError {
  override name = 'DatabaseUnavailable'
}

const SYSTEM_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EACCES',
]
/** What `pg` throws without a code of its own. */
const CONNECTION_GONE =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool after|connection is closed/i

/**
 * The driver's error as one of ours; anything else, and one that is ours already, comes back as it is.
 * Codes: PostgreSQL's appendix A.
 */
export function typedError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof pg.DatabaseError) {
    if (code === '23505') return new UniqueViolation(error)
    if (code.startsWith('23')) return new IntegrityViolation(error)
    if (code === '40001' || code === '40P01') return new TransactionConflict(error.message, code, error)
    if (code === '22021' || code === '22P05') return new UnstorableText(error.message, code, error)
    if (code === '57014') return new StatementTimeout(error.message, code, error)
    if (/^(08|57P0|53)/.test(code)) return new DatabaseUnavailable(error.message, code, error)
    return new DatabaseError(error.message, code, error)
  }
  if (SYSTEM_CODES.includes(code) || CONNECTION_GONE.test(error.message)) {
    return new DatabaseUnavailable(error.message, code, error)
  }
  return error
}
