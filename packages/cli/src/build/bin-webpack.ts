#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { main } from '../program.ts'
import { answerWebpack } from './webpack-command.ts'

// `webpack`, as the scripts of existing konnectors call it (docs/reference/build.md, "Old webpack configurations").
const argv = process.argv.slice(2)
const answer = answerWebpack(argv, process.cwd(), fileURLToPath(import.meta.url))
if (answer.kind === 'build') {
  if (answer.ignored.length > 0)
    process.stdout.write(`note: options of webpack are not used: ${answer.ignored.join(' ')}\n`)
  process.argv.splice(2)
  await main(answer.watch ? ['build', '--watch'] : ['build'])
} else if (answer.kind === 'hand-over') {
  const child = spawn(process.execPath, [answer.script, ...argv], { stdio: 'inherit' })
  child.on('close', (code, signal) => {
    if (signal) process.kill(process.pid, signal)
    else process.exitCode = code ?? 1
  })
} else {
  process.stderr.write(`${answer.message}\n`)
  process.exitCode = 1
}
