import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type REPLServer, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import { coloursFor } from '../terminal/colours.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { isSelection, listMarkup, type Selection, showMarkup } from './show-markup.ts'

/** The `$` of a page. */
type Page = ((selector: string) => Selection) & { html(): string; root(): Selection }

/**
 * A REPL with the library's exports in it (`sdk/cli.md` section 6): promises are awaited, and after a request `response` and `$` are
 * what came back.
 *
 * @param page an HTML file to load into `$`
 * @returns the exit code
 */
export async function shell(page: string | undefined, terminal: Terminal): Promise<number> {
  const path = page === undefined ? undefined : resolve(terminal.cwd, page)
  if (path !== undefined && !existsSync(path))
    throw new UsageError(`File ${path} does not exist. konnectory shell cannot load it.`)
  // Before the library is there: logs for people, documents in this folder.
  process.env.NODE_ENV = 'standalone'
  process.env.SENTRY_DSN = 'false'
  const libs = await import('@konnectory/libs')
  const { load } = await import('cheerio')
  const require = createRequire(import.meta.url)
  const { openInBrowser } = require('../standalone/open-in-browser.cjs') as { openInBrowser(page: unknown): string }
  const colours = coloursFor(terminal.stdout, terminal.env)
  const interactive = terminal.stdin.isTTY === true
  const input = interactive ? terminal.stdin : new PassThrough()

  const server = start({
    prompt: '> ',
    input,
    output: terminal.stdout,
    terminal: interactive,
    useColors: colours.enabled,
    writer: value => show(value),
  })
  const show = (value: unknown): string => {
    if (isPage(value)) return showMarkup(value.root().toArray(), colours)
    if (!isSelection(value)) return inspect(value, { colors: colours.enabled, depth: 4 })
    if (value.length === 1) return showMarkup(value.toArray(), colours)
    return value.length === 0 ? colours.dim('(no element)') : inspect(listMarkup(value), { colors: colours.enabled })
  }
  const setPage = (body: unknown, response?: unknown): void => {
    if (response !== undefined) server.context.response = response
    if (isPage(body)) server.context.$ = body
    else if (typeof body === 'string' || Buffer.isBuffer(body)) server.context.$ = load(body.toString())
  }
  const { default: _default, ...named } = libs
  const { requestFactory } = libs
  // By callback, so that `const page = await request(…)` sets them too.
  const defaults = {
    jar: true,
    callback: (_error: unknown, response: unknown, body: unknown) => {
      if (response !== undefined) setPage(body, response)
    },
  }
  Object.assign(server.context, named, {
    request: requestFactory(defaults),
    debug: (value: boolean | 'full' = true) => {
      server.context.request = requestFactory({ ...defaults, debug: value })
      return `request prints what it does: ${value}`
    },
    openInBrowser,
    response: undefined,
    $: undefined,
  })
  if (path !== undefined) {
    const body = readFileSync(path, 'utf8')
    setPage(body, { body })
  }

  awaitResults(server, setPage)
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  if (!interactive) await feed(server, terminal.stdin, input as PassThrough)
  await ended
  return 0
}

/** Evaluates as usual, then waits for what came out, so that a request's answer is shown and not a promise. */
function awaitResults(server: REPLServer, setPage: (body: unknown, response?: unknown) => void): void {
  const evaluate = server.eval
  Object.assign(server, {
    eval(
      this: REPLServer,
      code: string,
      context: unknown,
      file: string,
      done: (error: Error | null, value?: unknown) => void,
    ) {
      evaluate.call(this, code, context as never, file, async (error, value) => {
        if (error || !isThenable(value)) return done(error, value)
        try {
          const result = await value
          // What `signin` gives, a page, or an answer in full.
          const response = fullResponse(result)
          if (response) setPage(response.body, response)
          else if (isPage(result)) setPage(result)
          done(null, result)
        } catch (failure) {
          done(failure instanceof Error ? failure : new Error(String(failure)))
        }
      })
    },
  })
}

/** Gives the REPL one line of a pipe at a time, each when the one before is done. */
async function feed(server: REPLServer, stdin: NodeJS.ReadableStream, input: PassThrough): Promise<void> {
  let ready: (() => void) | undefined
  let ended = false
  const display = server.displayPrompt.bind(server)
  server.displayPrompt = (preserve?: boolean) => {
    display(preserve)
    ready?.()
  }
  server.once('exit', () => {
    ended = true
    ready?.()
  })
  for await (const line of createInterface({ input: stdin })) {
    if (ended) return
    const done = new Promise<void>(resolve => {
      ready = resolve
    })
    input.write(`${line}\n`)
    await done
  }
  input.end()
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function isPage(value: unknown): value is Page {
  return typeof value === 'function' && typeof (value as { root?: unknown }).root === 'function' && 'html' in value
}

function fullResponse(value: unknown): { body: unknown } | undefined {
  return value !== null && typeof value === 'object' && 'statusCode' in value && 'body' in value ? value : undefined
}
