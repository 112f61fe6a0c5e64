import { isAbsolute, join, resolve } from 'node:path'
import {
  createDevConfig,
  DEV_CONFIG,
  type DevConfig,
  missingFields,
  readDevConfig,
  writeFields,
} from '../project/dev-config.ts'
import type { Asker } from '../terminal/ask.ts'
import type { Terminal } from '../terminal/output.ts'
import type { Project } from './project.ts'

/**
 * The configuration, made when absent and filled in when a person is there to ask.
 * Without one it ends with exit code 1, where upstream exited 0 while the konnector was already running: nothing has been run, and a
 * script that calls us must not go on as if it had.
 */
export async function prepareConfig(
  project: Project,
  terminal: Terminal,
  asker: Asker,
): Promise<DevConfig | undefined> {
  const { root, fields } = project
  const { stderr } = terminal
  let config = await readDevConfig(root)
  const created = config === undefined
  if (created) {
    await createDevConfig(root, fields)
    stderr.write(`Created ${DEV_CONFIG}.\n`)
    config = (await readDevConfig(root)) ?? {}
  }
  const missing = missingFields(config ?? {}, fields)
  if (missing.length === 0) return config
  const names = missing.map(field => field.name)
  if (terminal.stdin.isTTY === true && terminal.stderr.isTTY === true) {
    const answer = await asker.ask(`${DEV_CONFIG} needs ${names.join(', ')}. Fill in now? [Y/n] `)
    if (answer !== undefined && /^(?:y(?:es)?|o(?:ui)?)?$/i.test(answer)) {
      const values: Record<string, string> = {}
      for (const field of missing) {
        const value = await asker.ask(`${field.label ?? field.name}: `, { hidden: field.type === 'password' })
        if (value) values[field.name] = value
      }
      config = await writeFields(root, values)
      if (missingFields(config, fields).length === 0) return config
    }
  }
  const list = missing.map(field => `  "${field.name}"${field.label ? ` (${field.label})` : ''}`).join('\n')
  stderr.write(
    `${created ? 'Nothing was run yet. ' : 'ERROR: '}Fill in these fields of ${join(root, DEV_CONFIG)}, then run the command again:\n${list}\n`,
  )
  return undefined
}

/**
 * `--dir`, else the config's `fields.folderPath` when it is a relative path, as the stub did, else the working directory.
 * An absolute one is a folder of the server (`/Administrative/Vendor`), not of this machine.
 */
export function dataDirectory(root: string, dir: string | undefined, config: DevConfig): string {
  if (dir !== undefined) return resolve(root, dir)
  const folder = config.fields?.folderPath
  return typeof folder === 'string' && folder !== '' && !isAbsolute(folder) ? resolve(root, folder) : root
}
