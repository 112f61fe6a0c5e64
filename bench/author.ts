/**
 * The author's numbers: start of a konnector, build, standalone over many documents.
 *
 *     npm run bench                 prints a table with ratios
 *     npm run bench -- --peer       also installs upstream's published packages below .bench/ and builds with them
 *     npm run bench -- --quick      fewer rounds
 *
 * Exits 1 when a number is over its limit, so that it can be asked of a change; it is not part of the tests.
 */
import { buildAgainstWebpack, installPeer } from './author/build-against-webpack.ts'
import { noopStart } from './author/noop-start.ts'
import { standaloneGrowth } from './author/standalone-growth.ts'
import { format, isOver, type Line } from './lib/report.ts'

const quick = process.argv.includes('--quick')
if (process.argv.includes('--peer')) installPeer()

const lines: Line[] = []
for (const measure of [
  () => noopStart(quick ? 5 : 21),
  () => buildAgainstWebpack(quick ? 2 : 5),
  () => standaloneGrowth(quick ? [20, 200] : [20, 200, 1000]),
]) {
  for (const line of await measure()) {
    lines.push(line)
    process.stdout.write(`${format(line)}\n`)
  }
}
process.exit(lines.some(isOver) ? 1 : 0)
