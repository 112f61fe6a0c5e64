/** `updated_at` is never before `created_at` (`protocol/files.md` section 1). ISO 8601 texts compare as dates. */
export function notBefore(date: string, earliest: string): string {
  if (date < earliest) return earliest
  return date
}
