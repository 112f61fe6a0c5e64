import type { DevConfig } from '../project/dev-config.ts'
import type { Pins } from './pins.ts'
import type { Printer } from './printer.ts'

/** The name under which sample konnectors know the demo vendor. */
export const DEMO_VENDOR_HOST = 'demo-vendor.test'

/**
 * Starts the demo vendor when the config asks for it, and pins its name.
 * @returns a function that stops it
 */
export async function startDemoVendorFor(
  config: DevConfig,
  pins: Pins,
  printer: Printer,
): Promise<() => Promise<void>> {
  // Loaded on demand: nobody else needs a vendor.
  const { startDemoVendor } = await import('@konnectory/testkit/demo-vendor')
  const options = typeof config.demoVendor === 'object' ? config.demoVendor : {}
  const vendor = await startDemoVendor({
    ...options,
    onTextMessage: message => printer.note(`Text message to ${message.to}: ${message.text}`),
  })
  pins[DEMO_VENDOR_HOST] ??= { host: '127.0.0.1', port: vendor.port, tls: false }
  printer.note(`Demo vendor at ${vendor.url}, reached as http://${DEMO_VENDOR_HOST}`)
  return () => vendor.close()
}
