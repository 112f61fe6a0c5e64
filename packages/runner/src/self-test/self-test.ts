import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnerError } from '../errors.ts'
import { type RunGround, run } from '../run.ts'
import { ENOSYS, EPERM, konnectorPolicy } from '../seccomp/policy.ts'
import type { RunResult, SelfTestCheck, SelfTestReport } from '../types.ts'

const PROBE = join(import.meta.dirname, 'probe.cjs')
/** One of each kind the filter treats its own way: killed, refused, unknown. */
const PROBED_CALLS: [name: string, wanted: string][] = [
  ['ptrace', 'SIGSYS'],
  ['mount', 'SIGSYS'],
  ['bpf', 'SIGSYS'],
  ['keyctl', 'SIGSYS'],
  ['process_vm_readv', 'SIGSYS'],
  ['unshare', String(EPERM)],
  ['io_uring_setup', String(ENOSYS)],
]
/** What the probe prints besides those; fewer lines mean that it was stopped before it had tried everything. */
const OTHER_CHECKS = 20
const PIDS = 64

/** Runs the probe in the jail and judges what it says; whatever goes wrong, the jail then does not hold. */
export async function selfTest(ground: RunGround): Promise<SelfTestReport> {
  const { driver, cgroups } = ground
  const warnings = cgroups?.controllers.has('memory')
    ? []
    : ['No cgroup with memory is delegated: memory is limited for each process, and watched for all of a run together.']
  if (!driver.isConfined) {
    const checks = [{ name: 'confines konnectors', holds: false, detail: 'the driver "none" confines nothing' }]
    return { driver: driver.name, holds: false, checks, warnings }
  }
  const checks: SelfTestCheck[] = []
  try {
    await probe(ground, checks)
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error
    checks.push({ name: 'can be set up', holds: false, detail: `${error.message} ${hints()}` })
  }
  return { driver: driver.name, holds: checks.every(({ holds }) => holds), checks, warnings }
}

async function probe(ground: RunGround, checks: SelfTestCheck[]): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-self-test-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  copyFileSync(PROBE, join(folder, 'index.js'))
  chmodSync(join(folder, 'index.js'), 0o644)
  const hostFile = join(tmpdir(), `${folder.slice(folder.lastIndexOf('/') + 1)}.canary`)
  cleanup.defer(() => rmSync(hostFile, { force: true }))
  writeFileSync(hostFile, 'canary')
  chmodSync(hostFile, 0o644)
  let reached = 0
  const server = createServer(socket => {
    reached++
    socket.destroy()
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', () => listening()))
  cleanup.defer(() => new Promise<void>(closed => server.close(() => closed())))

  const { numbers } = konnectorPolicy(process.arch === 'arm64' ? 'arm64' : 'x64')
  const address = server.address()
  const errors: string[] = []
  const result: RunResult = await run(ground, {
    dir: folder,
    env: {},
    input: JSON.stringify({
      hostFile,
      hostPort: typeof address === 'object' ? address?.port : 0,
      hostPid: process.pid,
      pids: PIDS,
      syscalls: Object.fromEntries(PROBED_CALLS.map(([name, wanted]) => [name, [numbers[name], wanted]])),
    }),
    limits: { seconds: 60, pids: PIDS },
    domains: ['declared.example'],
    onLine: ({ stream, text }) => {
      if (stream === 'stdout') checks.push(readCheck(text))
      if (stream === 'stderr') errors.push(text)
    },
  })
  checks.push(
    { name: 'was not reached from inside', holds: reached === 0, detail: `${reached} connections` },
    {
      name: 'told what it refused',
      holds: result.refused.some(({ host }) => host === '169.254.169.254'),
      detail: `${result.refused.length} refusals`,
    },
    {
      name: 'ran to its end',
      holds: result.end === 'exit' && result.code === 0 && checks.length === OTHER_CHECKS + PROBED_CALLS.length,
      detail: [`${checks.length} checks, exit ${result.code ?? result.signal}`, ...errors].join('\n'),
    },
  )
}

function readCheck(text: string): SelfTestCheck {
  try {
    const { name, holds, detail } = JSON.parse(text) as Partial<SelfTestCheck>
    return { name: String(name), holds: holds === true, detail: String(detail) }
  } catch {
    return { name: 'speaks as it should', holds: false, detail: text.slice(0, 200) }
  }
}

/** What refuses namespaces, as far as is known (sandbox.md §1). */
function hints(): string {
  return (
    'Ubuntu denies user namespaces to programs without an AppArmor profile (kernel.apparmor_restrict_unprivileged_userns); ' +
    'in a container the default seccomp profile and the masked /proc refuse them.'
  )
}
