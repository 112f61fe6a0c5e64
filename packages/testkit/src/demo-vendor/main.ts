#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { BEHAVIOURS, type Behaviour } from './modes.ts'
import type { DemoVendorOptions } from './options.ts'
import { startDemoVendor } from './vendor.ts'

const HELP = `Starts the demo vendor, a customer site to write konnectors against.

  --port <n>       port (default 8484; 0 takes a free one)
  --host <address> address to listen on (default 127.0.0.1)
  --mode <name>    start with something wrong, repeatable; see below
  --invoices <n>   exactly n invoices for each customer
  --seed <n>       other amounts and addresses
  --tokens         print an access and a refresh token of each customer, for the API

Modes:
${Object.entries(BEHAVIOURS)
  .map(([name, effect]) => `  ${name.padEnd(20)} ${effect}`)
  .join('\n')}
`

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new TypeError(`--${name} must be a whole number, not ${text}`)
  return Number(text)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8484' },
      host: { type: 'string' },
      mode: { type: 'string', multiple: true },
      invoices: { type: 'string' },
      seed: { type: 'string' },
      tokens: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const options: DemoVendorOptions = { onTextMessage: ({ to, code }) => console.log(`text message to ${to}: ${code}`) }
  options.port = wholeNumber('port', values.port) ?? 8484
  const invoices = wholeNumber('invoices', values.invoices)
  const seed = wholeNumber('seed', values.seed)
  if (invoices !== undefined) options.invoices = invoices
  if (seed !== undefined) options.seed = seed
  if (values.host !== undefined) options.host = values.host
  if (values.mode) options.mode = values.mode as Behaviour[]

  const vendor = await startDemoVendor(options)
  console.log(`The demo vendor is at ${vendor.url}   (phone: ${vendor.url}/_phone, troubles: ${vendor.url}/_modes)`)
  for (const { email, password, twoFactor, noInvoices } of vendor.users) {
    const notes = [twoFactor ? 'asks for a code' : '', noInvoices ? 'no invoice yet' : ''].filter(Boolean).join(', ')
    console.log(`  ${email.padEnd(20)} ${password.padEnd(16)} ${notes}`)
    if (values.tokens) {
      const tokens = vendor.issueTokens(email)
      console.log(`    access_token   ${tokens.access_token}\n    refresh_token  ${tokens.refresh_token}`)
    }
  }
  console.log('Ctrl-C ends it.')
  const stop = () => void vendor.close()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

main().catch((error: unknown) => {
  console.error(`The demo vendor could not start: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
