'use strict'
// Says on stderr, at the end of the process, what it cost: CPU in milliseconds, peak memory in kilobytes.
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  process.stderr.write(`${JSON.stringify({ cpu: Math.round((userCPUTime + systemCPUTime) / 1000), memory: maxRSS })}\n`)
})
