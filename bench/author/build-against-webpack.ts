import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Line } from '../lib/report.ts'

const root = join(import.meta.dirname, '../..')
const cli = join(root, 'packages/cli/src/bin.ts')
const peer = join(root, '.bench/peer')

/** The JavaScript template built by `konnectory build` and, when `--peer` installed it, by cozy-konnector-build's webpack. */
export async function buildAgainstWebpack(rounds: number): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-build-'))
  try {
    const project = join(folder, 'template')
    run([cli, 'create', project, '--name', 'template'], folder)
    const ours = build(project, [cli, 'build'], rounds)
    const lines: Line[] = [
      { what: 'build of the template, whole command', value: ours.ms, unit: 'ms', limit: 500 },
      { what: 'size of the template bundle', value: ours.kb, unit: 'KB', limit: 1536 },
    ]
    if (!existsSync(join(peer, 'node_modules'))) {
      lines[0]!.note = 'npm run bench -- --peer compares with webpack'
      return lines
    }
    const old = join(folder, 'webpack')
    mkdirSync(old)
    for (const name of ['src', 'manifest.konnector', 'assets', 'icon.svg']) {
      if (existsSync(join(project, name))) cpSync(join(project, name), join(old, name), { recursive: true })
    }
    // The published packages know nothing of our package's name; the code is the same.
    writeFileSync(
      join(old, 'webpack.config.js'),
      `module.exports = { ...require('cozy-konnector-build/webpack.config'), resolve: { alias: { '@konnectory/libs': 'cozy-konnector-libs' } } }\n`,
    )
    writeFileSync(join(old, 'package.json'), '{"name":"template"}')
    symlinkSync(join(peer, 'node_modules'), join(old, 'node_modules'))
    const theirs = build(old, [join(peer, 'node_modules/webpack/bin/webpack.js')], 1)
    lines[0]!.against = { name: 'webpack', value: theirs.ms }
    lines[1]!.against = { name: 'webpack', value: theirs.kb }
    for (const line of lines) delete line.limit
    lines[0]!.note = 'limit 500 ms'
    lines[1]!.note = 'limit 1536 KB'
    return lines
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Installs the published build package and libraries below `.bench/` (about 360 MB, a minute). */
export function installPeer(): void {
  mkdirSync(peer, { recursive: true })
  writeFileSync(
    join(peer, 'package.json'),
    JSON.stringify({
      name: 'peer',
      private: true,
      dependencies: { 'cozy-konnector-libs': '5.13.0' },
      devDependencies: { 'cozy-konnector-build': '1.8.0' },
      // A git dependency and a mobile one that cannot be installed from the registry; neither is reached by the template.
      overrides: { geco: 'npm:noop2@2.0.0', 'react-native': 'npm:noop2@2.0.0' },
    }),
  )
  const result = spawnSync(
    'npm',
    ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: peer, stdio: 'inherit' },
  )
  if (result.status !== 0) throw new Error('The peer could not be installed; run the bench without --peer.')
}

function build(cwd: string, args: string[], rounds: number): { ms: number; kb: number } {
  let ms = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    run(args, cwd)
    ms = Math.min(ms, performance.now() - started)
  }
  return { ms, kb: statSync(join(cwd, 'build/index.js')).size / 1024 }
}

function run(args: string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
}
