/** What the drivers put together, as text: what must never be in it, and what must. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bubblewrapDriver, jailArguments } from '../../src/drivers/bubblewrap.ts'
import type { JailPlan } from '../../src/drivers/driver.ts'
import { noneDriver } from '../../src/drivers/none.ts'
import { nsjailArguments, nsjailDriver } from '../../src/drivers/nsjail.ts'
import { fillLimits } from '../../src/limits/check.ts'

const plan: JailPlan = {
  root: { path: '/cache/jail-1', node: '/cache/jail-1/usr/bin/node', bridge: '/cache/jail-1/run/konnector/bridge.cjs' },
  user: { uid: 60_878, gid: 60_878 },
  dir: '/runs/x/work',
  entry: '.',
  limits: fillLimits({ seconds: 60, memoryMb: 512 }),
  hasMemoryGroup: false,
  env: { COZY_CREDENTIALS: 'the-token', COZY_URL: 'https://alice.example/' },
  gate: { socket: '/runs/x/s', stack: { host: 'alice.example', port: 443 } },
  cache: { path: '/cache/compile/1', writable: false },
}

for (const driver of [bubblewrapDriver(), nsjailDriver(), noneDriver()]) {
  test(`${driver.name}: secrets are in the environment, never in an argument`, () => {
    const { args, env, inputs } = driver.command(plan)
    assert.doesNotMatch(args.join(' '), /the-token/)
    assert.equal(
      inputs.some(bytes => Buffer.from(bytes).includes('the-token')),
      false,
    )
    assert.equal(env.COZY_CREDENTIALS, 'the-token')
    assert.equal(env.KONNECTORY_GATE!.split('|').slice(1).join(), 'alice.example,443')
  })
}

test('bubblewrap: the options of sandbox.md §2, through a descriptor', () => {
  const { args, inputs, env } = bubblewrapDriver().command(plan)
  assert.deepEqual(args.slice(0, 4), ['--args', '4', '--', '/usr/bin/prlimit'])
  assert.deepEqual(args.slice(args.indexOf('/usr/bin/node')), [
    '/usr/bin/node',
    '--max-old-space-size=256',
    '--no-experimental-ffi',
    '--no-addons',
    '--disable-sigusr1',
    '--no-experimental-webstorage',
    '/konnector',
  ])
  assert.ok(args.includes(`--data=${(512 + 640) * 2 ** 20}`))
  const options = Buffer.from(inputs[1]!).toString().split('\0')
  assert.equal(options.pop(), '')
  assert.deepEqual(options, jailArguments(plan))
  for (const space of ['user', 'pid', 'ipc', 'uts', 'net']) assert.ok(options.includes(`--unshare-${space}`), space)
  for (const option of ['--unshare-cgroup-try', '--disable-userns', '--die-with-parent', '--new-session'])
    assert.ok(options.includes(option))
  const text = options.join(' ')
  assert.match(text, /--cap-drop ALL .*--ro-bind \/cache\/jail-1 \/ .*--perms 1777 --tmpfs \/tmp/)
  assert.match(
    text,
    /--ro-bind \/runs\/x\/work \/konnector --ro-bind \/cache\/compile\/1 \/run\/cache --ro-bind \/runs\/x\/s \/run\/konnector\/egress.sock/,
  )
  assert.doesNotMatch(text, / --bind | --dev | --setenv /)
  assert.deepEqual(Object.keys(env).sort(), [
    'COZY_CREDENTIALS',
    'COZY_URL',
    'HOME',
    'KONNECTORY_GATE',
    'LANG',
    'NODE_COMPILE_CACHE',
    'NODE_OPTIONS',
    'PATH',
  ])
})

test('bubblewrap: with a cgroup for memory there is no RLIMIT_DATA; a file runs in its own folder', () => {
  const { args, inputs } = bubblewrapDriver().command({ ...plan, hasMemoryGroup: true, entry: 'scripts/end.js' })
  assert.equal(
    args.some(arg => arg.startsWith('--data')),
    false,
  )
  assert.equal(args.at(-1), '/konnector/scripts/end.js')
  assert.match(Buffer.from(inputs[1]!).toString().replaceAll('\0', ' '), /--chdir \/konnector\/scripts /)
})

test('nsjail: the same policy', () => {
  const args = nsjailArguments(plan, ['COZY_URL', 'PATH'])
  const text = args.join(' ')
  assert.match(text, /--mode o .*--chroot \/cache\/jail-1 --user 65534:60878:1 --group 65534:60878:1/)
  assert.match(
    text,
    /--bindmount_ro \/runs\/x\/work:\/konnector .*--bindmount_ro \/runs\/x\/s:\/run\/konnector\/egress.sock/,
  )
  assert.match(text, /--mount none:\/tmp:tmpfs:size=67108864,nr_inodes=20000,mode=1777/)
  assert.match(text, /--time_limit 75 /)
  assert.match(
    text,
    /--seccomp_string POLICY konnector \{.*KILL_PROCESS.*DEFAULT ERRNO\(38\) --env COZY_URL --env PATH -- \/usr\/bin\/prlimit .* \/usr\/bin\/node /s,
  )
})
