/**
 * Compiles and packs the packages as they are published.
 *
 *     npm run pack:all [-- --out DIR] [--release]      tarballs in .packs/ (or DIR), one line each
 *
 * In the repository, packages run from their sources; in a tarball they run from `dist/`: the same tree, compiled by
 * tsc for Node 20, with declarations. Whatever package.json says of `./src/x.ts` becomes `./dist/x.js`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { packVendor } from '../packages/cli/src/build/vendor-store.ts'
import { slimPackage } from './slim-package.ts'

const root = dirname(import.meta.dirname)

/** Bundled and minified, the words of `protocol` taken in: together they are to weigh at most 150 KB installed. */
const SLIM = ['client', 'sdk']

/**
 * Packs every package of the workspace that is published, which the private ones (the server) are not.
 * @param outDir where the tarballs go; made when missing
 * @param options.release with the version as it is; otherwise with one that names the content, `0.1.0-dev.1a2b3c…`, because
 *   yarn 1 keeps `file:` tarballs in its cache by name and version and would install an older one
 * @returns absolute path of the tarball by package name
 * @throws when the compiler or npm fails, with what they printed
 */
export async function packAll(outDir: string, options: { release?: boolean } = {}): Promise<Record<string, string>> {
  const stage = mkdtempSync(join(tmpdir(), 'konnectory-pack-'))
  try {
    const folders = globSync('packages/*', { cwd: root })
      .filter(folder => existsSync(join(root, folder, 'package.json')) && !isPrivate(folder))
      .sort()
    compile(folders, stage)
    for (const folder of folders) prepare(folder, stage)
    const protocol = join(stage, 'packages/protocol')
    for (const name of SLIM) {
      await slimPackage({ folder: join(stage, 'packages', name), inline: { '@konnectory/protocol': protocol } })
    }
    // What every build of a konnector would compile again, as long as the same versions are installed.
    const vendor = await packVendor(join(root, 'packages/libs/src'))
    writeFileSync(join(stage, 'packages/cli/dist/build/vendor.json'), vendor)
    if (!options.release) nameContent(folders.map(folder => join(stage, folder)))
    mkdirSync(outDir, { recursive: true })
    return pack(
      folders.map(folder => join(stage, folder)),
      resolve(outDir),
    )
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

function isPrivate(folder: string): boolean {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).private === true
}

/** One tsc run for all packages: `packages/x/src/y.ts` becomes `<stage>/packages/x/src/y.js` and `.d.ts`. */
function compile(folders: string[], stage: string): void {
  const config = join(stage, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        noCheck: true,
        declaration: true,
        target: 'es2022',
        rootDir: root,
        outDir: stage,
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: folders.map(folder => join(root, folder, 'src/**/*.ts')),
    }),
  )
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], root)
}

function prepare(folder: string, stage: string): void {
  const source = join(root, folder)
  const staged = join(stage, folder)
  if (!existsSync(staged)) mkdirSync(staged, { recursive: true })
  if (existsSync(join(staged, 'src'))) cpSync(join(staged, 'src'), join(staged, 'dist'), { recursive: true })
  rmSync(join(staged, 'src'), { recursive: true, force: true })
  // What tsc does not touch (.cjs facades, .d.cts, JSON, assets) goes along; sources stay home.
  cpSync(join(source, 'src'), join(staged, 'dist'), {
    recursive: true,
    filter: path => !/(?<!\.d)\.[mc]?ts$/.test(path),
  })
  for (const file of globSync('**/*.{d.ts,d.cts,cjs}', { cwd: join(staged, 'dist') }))
    rewriteSpecifiers(join(staged, 'dist', file))
  for (const extra of ['templates', 'README.md']) {
    if (existsSync(join(source, extra))) cpSync(join(source, extra), join(staged, extra), { recursive: true })
  }
  cpSync(join(root, 'LICENSE'), join(staged, 'LICENSE'))
  const { devDependencies, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  writeFileSync(
    join(staged, 'package.json'),
    `${JSON.stringify({ ...(publishedPaths(manifest) as object), files: ['dist', 'templates'] }, null, 2)}\n`,
  )
}

/** Gives all staged packages, which name each other by version, one version that stands for their content. */
function nameContent(folders: string[]): void {
  const hash = createHash('sha256')
  for (const folder of folders) {
    const entries = globSync('**/*', { cwd: folder, withFileTypes: true }).filter(entry => entry.isFile())
    for (const path of entries.map(({ parentPath, name }) => join(parentPath, name)).sort()) {
      hash.update(relative(folder, path)).update(readFileSync(path))
    }
  }
  const suffix = `-dev.${hash.digest('hex').slice(0, 12)}`
  const ours = new Set(folders.map(folder => readManifest(folder).name))
  for (const folder of folders) {
    const manifest = readManifest(folder)
    const dependencies = Object.entries(manifest.dependencies ?? {}).map(([name, version]) => [
      name,
      ours.has(name) ? version + suffix : version,
    ])
    const named = { ...manifest, version: manifest.version + suffix, dependencies: Object.fromEntries(dependencies) }
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(named, null, 2)}\n`)
  }
}

interface Manifest {
  name: string
  version: string
  private?: boolean
  dependencies?: Record<string, string>
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** tsc rewrites `./x.ts` in the code it emits, but not in declarations; the .cjs files it never sees. */
function rewriteSpecifiers(file: string): void {
  const text = readFileSync(file, 'utf8')
  const rewritten = text.replace(/(['"])(\.{1,2}\/[^'"\n]*?)\.ts\1/g, '$1$2.js$1')
  if (rewritten !== text) writeFileSync(file, rewritten)
}

/** `./src/a.ts` as `./dist/a.js`, wherever it stands in package.json; a plain export also names its types. */
function publishedPaths(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    if (!value.startsWith('./src/')) return value
    const published = value.replace(/^\.\/src\//, './dist/').replace(/(?<!\.d)\.ts$/, '.js')
    const wantsTypes = (key.startsWith('.') || key === 'import') && value.endsWith('.ts')
    return wantsTypes ? { types: published.replace(/\.js$/, '.d.ts'), default: published } : published
  }
  if (Array.isArray(value)) return value.map(item => publishedPaths(item))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, publishedPaths(item, name)]))
  }
  return value
}

function pack(folders: string[], outDir: string): Record<string, string> {
  const printed = run(
    'npm',
    ['pack', ...folders, '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', outDir],
    root,
  )
  const listed: { name: string; filename: string }[] | Record<string, { name: string; filename: string }> =
    JSON.parse(printed)
  return Object.fromEntries(Object.values(listed).map(({ name, filename }) => [name, join(outDir, filename)]))
}

function run(command: string, args: string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (result.error) throw result.error
  if (result.status !== 0)
    throw new Error(`${command} ${args[0]} failed (exit ${result.status}):\n${result.stdout}${result.stderr}`)
  return result.stdout
}

if (import.meta.main) {
  const at = process.argv.indexOf('--out')
  const release = process.argv.includes('--release')
  const outDir = at > 0 && process.argv[at + 1] ? resolve(process.argv[at + 1] as string) : join(root, '.packs')
  const tarballs = await packAll(outDir, { release })
  for (const [name, file] of Object.entries(tarballs)) process.stdout.write(`${name.padEnd(24)} ${file}\n`)
}
