/** Where a command reads and writes, so that tests can stand in for the terminal. */
export interface Terminal {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  env: NodeJS.ProcessEnv
  /** The directory the command was called in. */
  cwd: string
}

/** An error of use: its message is all that is shown. */
export class UsageError extends Error {
  override name = 'UsageError'
}
