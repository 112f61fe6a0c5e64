#!/usr/bin/env node
import { basename } from 'node:path'
import { ALIASES, main } from './program.ts'

// A link with an old name (`cozy-konnector-standalone`) runs that command; Windows has no such links, hence the alias files.
const alias = ALIASES[basename(process.argv[1] ?? '').replace(/\.[cm]?[jt]s$/, '')]
await main(alias ? [alias] : [])
