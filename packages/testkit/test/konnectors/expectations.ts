import assert from 'node:assert/strict'
import type { Kept, Run, Workshop } from './run-konnector.ts'

/** The run succeeded; the output is in the message when it did not. */
export function assertSuccess(run: Run): void {
  assert.equal(run.code, 0, run.output)
}

/** The run ended with this error, said so, and exit code 1. */
export function assertFailure(run: Run, error: string): void {
  assert.equal(run.code, 1, run.output)
  assert.ok(run.output.includes(error), `${error} is not in:\n${run.output}`)
}

/** Every invoice of this customer is there once: the bill with its data, the PDF whole. */
export async function assertAllSaved(kept: Kept, workshop: Workshop, email: string): Promise<void> {
  const invoices = workshop.vendor.invoicesOf(email)
  assert.deepEqual(
    kept.bills
      .map(bill => [bill.vendorRef, bill.date.slice(0, 10), bill.isRefund ? -bill.amount : bill.amount] as const)
      .sort(byRef),
    invoices.map(({ ref, date, amountCents }) => [ref, date, amountCents / 100] as const).sort(byRef),
  )
  assert.equal(kept.files.length, invoices.length)
  for (const { ref } of invoices) {
    const path = kept.files.find(file => file.includes(ref))
    assert.ok(path, `a file for ${ref}`)
    const bytes = await kept.read(path)
    assert.match(bytes.subarray(0, 8).toString(), /^%PDF-1\.4/)
    assert.match(bytes.toString('latin1'), new RegExp(`${ref}[\\s\\S]*%%EOF\\n$`))
  }
}

function byRef(a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number {
  return a[0] < b[0] ? -1 : 1
}

/** A run that found nothing new: no download, no write to bills or files. */
export async function assertNothingNew(workshop: Workshop, again: () => Promise<Run>, pdfs: string): Promise<void> {
  const before = await workshop.kept()
  const downloads = workshop.vendor.count('*', pdfs)
  assertSuccess(await again())
  const after = await workshop.kept()
  assert.equal(workshop.vendor.count('*', pdfs), downloads, 'nothing is downloaded twice')
  for (const doctype of ['io.cozy.bills', 'io.cozy.files', 'io.cozy.identities']) {
    assert.deepEqual(after.documents[doctype], before.documents[doctype], doctype)
  }
  assert.deepEqual(after.files, before.files)
}
