import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const MANIFEST = {
  slug: 'aquavolt',
  name: 'Aquavolt',
  version: '1.2.3',
  type: 'konnector',
  editor: 'Acme',
  icon: 'icon.svg',
  fields: { login: { type: 'text' } },
  permissions: {},
  locales: { en: {} },
}

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">
  <!-- drawn by hand -->
  <style>.a{fill:#f00}</style><g><rect class="a" width="10" height="10"/><rect class="a" width="4" height="4"/></g>
</svg>`

/** A konnector in a folder of its own, gone at the end of the test. */
export function konnectorFolder(
  files: Record<string, string | object>,
): { root: string; path(name: string): string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'konnectory-test-'))
  const all = {
    'manifest.konnector': MANIFEST,
    'assets/icon.svg': ICON,
    'package.json': { name: 'aquavolt' },
    ...files,
  }
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }
  return {
    root,
    path: name => join(root, name),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Runs `node <args>` as a server does: nothing in the environment, and no node_modules around. */
export function runNode(args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd ?? '/',
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}
