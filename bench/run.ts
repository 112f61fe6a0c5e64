/**
 * The numbers of a run, each against a floor in the same round.
 *
 *     node bench/run.ts            prints a table with ratios
 *     node bench/run.ts --quick    fewer rounds
 *
 * Exits 1 when a number misses its limit; it is not part of the tests.
 */
import { format, isOver, type Line } from './lib/report.ts'
import { jailStart } from './run/jail-start.ts'

const quick = process.argv.includes('--quick')

const lines: Line[] = []
for (const measure of [() => jailStart(quick ? 10 : 60, quick ? 2000 : 10_000)]) {
  for (const line of await measure()) {
    lines.push(line)
    process.stdout.write(`${format(line)}\n`)
  }
}
process.exitCode = lines.some(isOver) ? 1 : 0
