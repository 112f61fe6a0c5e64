#!/usr/bin/env node
import { main } from '../program.ts'
import { fromOldFlags } from './old-flags.ts'

// `git-directory-deploy`, as the scripts of existing konnectors call it (docs/reference/deploy.md, "The old command").
process.argv.splice(2, Number.POSITIVE_INFINITY, ...fromOldFlags(process.argv.slice(2)))
await main(['deploy'])
