import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import {
  createRunner,
  type DriverName,
  type OutputLine,
  type Runner,
  type RunnerOptions,
  type RunRequest,
  type RunResult,
} from '../../src/index.ts'
import { konnectorPolicy } from '../../src/seccomp/policy.ts'

export interface Outcome extends RunResult {
  output: OutputLine[]
  /** What it printed on stdout, a line each. */
  said: string[]
  /** Its lines that are JSON, by their `try`: what `attempt` in the konnector reported. */
  tries: Record<string, string>
  /** Remarks of the runner, refusals among them. */
  remarks: string[]
}

export type TestRun = Partial<Omit<RunRequest, 'dir' | 'onLine'>> & {
  /** Beside index.js. */
  files?: Record<string, string>
  onLine?(line: OutputLine): void
}

export interface TestJail {
  runner: Runner
  /** Everything the runner told the operator. */
  warnings: string[]
  cacheDirectory: string
  run(source: string, options?: TestRun): Promise<Outcome>
}

/**
 * What hostile konnectors begin with. `attempt(name, fn)` reports what fn returned (`worked: …`) or the error's code;
 * `raw(name, …)` makes a system call in a child that has node:ffi and no bridge, and returns `SIGSYS`, `errno n` or `worked: n`.
 */
const PRELUDE = `
const fs = require('node:fs'), net = require('node:net'), cp = require('node:child_process'), path = require('node:path')
const report = (name, text) => process.stdout.write(JSON.stringify({ try: name, got: String(text) }) + '\\n')
const failed = e => (e && (e.code || (e.cause && e.cause.code) || e.message)) || String(e)
const attempt = (name, fn) => { try { report(name, 'worked: ' + fn()) } catch (e) { report(name, failed(e)) } }
const attemptAsync = async (name, fn) => { try { report(name, 'worked: ' + await fn()) } catch (e) { report(name, failed(e)) } }
const bare = (script, ...args) => cp.spawnSync(process.execPath, ['--no-warnings', '-e', script, ...args], { env: { PATH: '/usr/bin' }, encoding: 'utf8', timeout: 15000 })
const numbers = __NUMBERS__
const native = "const ffi=require('node:ffi');const {functions:f}=ffi.dlopen('libc.so.6',{syscall:{arguments:['i64','i64','i64','i64','i64','i64','i64'],return:'i64'},__errno_location:{arguments:[],return:'pointer'}});" +
  "const keep=[];const arg=a=>typeof a==='string'?(keep.push(Buffer.from(a+'\\\\0')),ffi.getRawPointer(keep.at(-1))):BigInt(a);" +
  "const call=(n,...a)=>{const r=f.syscall(BigInt(n),...[0,1,2,3,4,5].map(i=>arg(a[i]??0)));return r===-1n?'errno '+ffi.getInt32(f.__errno_location(),0):'worked: '+r};"
const raw = (name, ...args) => { const { signal, stdout, stderr } = bare(native + 'console.log(call(' + JSON.stringify(numbers[name]) + ',...' + JSON.stringify(args) + '))'); return signal || stdout.trim() || stderr }
const connect = (host, port) => new Promise((resolve, reject) => { const s = net.connect({ host, port }); s.setTimeout(8000, () => s.destroy(new Error('timeout'))); s.once('connect', () => { s.destroy(); resolve('connected') }); s.once('error', reject) });
`

const { numbers } = konnectorPolicy(process.arch === 'arm64' ? 'arm64' : 'x64')
const prelude = PRELUDE.replace('__NUMBERS__', JSON.stringify(numbers))

/** One runner for a test file; its folder goes when the tests are over. */
export function openJail(
  driver: DriverName = 'bubblewrap',
  options: { cgroup?: string; resolve?: RunnerOptions['resolve'] } = {},
): TestJail {
  const folder = mkdtempSync(join(tmpdir(), 'kr-'))
  // As root, konnectors run as another uid, which must get to the cache.
  chmodSync(folder, 0o711)
  const cacheDirectory = join(folder, 'cache')
  const warnings: string[] = []
  const tell = (message: string) => void warnings.push(message)
  const runner = createRunner({
    driver,
    cacheDirectory,
    log: { info: () => {}, warn: tell, error: tell },
    ...(options as Partial<RunnerOptions>),
  })
  after(async () => {
    await runner[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    runner,
    warnings,
    cacheDirectory,
    async run(source, { files = {}, onLine, ...request } = {}) {
      const dir = mkdtempSync(join(folder, 'konnector-'))
      for (const [name, text] of Object.entries({ 'index.js': prelude + source, ...files })) {
        mkdirSync(dirname(join(dir, name)), { recursive: true })
        writeFileSync(join(dir, name), text)
      }
      const output: OutputLine[] = []
      const result = await runner.run({
        dir,
        env: {},
        domains: [],
        ...request,
        limits: { seconds: 60, ...request.limits },
        onLine(line) {
          output.push(line)
          onLine?.(line)
        },
      })
      const said = output.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)
      return {
        ...result,
        output,
        said,
        tries: Object.fromEntries(
          said
            .filter(text => text.startsWith('{"try"'))
            .map(text => Object.values(JSON.parse(text)) as [string, string]),
        ),
        remarks: output.filter(({ stream }) => stream === 'runner').map(({ text }) => text),
      }
    },
  }
}
