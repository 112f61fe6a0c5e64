/**
 * A top-level field of a document as the texts that a rule's values are compared with: a text, number or boolean as text, a
 * list of references as `type/id`. Nothing else has one; nested fields are not looked into.
 */
export function fieldTexts(object: Record<string, unknown>, field: string): string[] {
  if (!Object.hasOwn(object, field)) return []
  const value = object[field]
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  return field === 'referenced_by' && Array.isArray(value) ? value.flatMap(referenceText) : []
}

function referenceText(reference: unknown): string[] {
  if (typeof reference !== 'object' || reference === null) return []
  const { type, id } = reference as { type?: unknown; id?: unknown }
  return typeof type === 'string' && typeof id === 'string' ? [`${type}/${id}`] : []
}
