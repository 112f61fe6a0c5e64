#!/usr/bin/env node
import module from 'node:module'
import { basename } from 'node:path'

// What was compiled once is not compiled again by the next command: half of the time until one starts. Not on Node 20.
module.enableCompileCache?.()
const { ALIASES, main } = await import('./program.ts')

// A link with an old name (`cozy-konnector-standalone`) runs that command; Windows has no such links, hence the alias files.
const alias = ALIASES[basename(process.argv[1] ?? '').replace(/\.[cm]?[jt]s$/, '')]
await main(alias ? [alias] : [])
