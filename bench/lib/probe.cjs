// Preloaded into a measured process: at its end, writes what it cost to the file named by BENCH_PROBE.
const { writeFileSync } = require('node:fs')

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  const { maxRSS } = process.resourceUsage()
  writeFileSync(process.env.BENCH_PROBE, JSON.stringify({ cpuMs: (user + system) / 1000, peakMb: maxRSS / 1024 }))
})
