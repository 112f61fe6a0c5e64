/** What one connection listens to. */
export function createSubscriptions() {
  /** By doctype. */
  const types = new Map<string, { whole: boolean; ids: Set<string> }>()
  let count = 0

  return {
    get size() {
      return count
    },
    has: (type: string, id: string): boolean => {
      const known = types.get(type)
      return known !== undefined && (id === '' ? known.whole : known.ids.has(id))
    },
    /** @param id empty for the whole type */
    add(type: string, id: string): void {
      if (this.has(type, id)) return
      const known = types.get(type) ?? { whole: false, ids: new Set<string>() }
      types.set(type, known)
      if (id === '') known.whole = true
      else known.ids.add(id)
      count++
    },
    /** Without an id, the subscriptions to single documents of the type go too. @returns whether nothing of the type is left */
    remove(type: string, id: string): boolean {
      const known = types.get(type)
      if (!known) return true
      if (id === '') {
        count -= known.ids.size + (known.whole ? 1 : 0)
        types.delete(type)
        return true
      }
      if (known.ids.delete(id)) count--
      if (known.whole || known.ids.size > 0) return false
      types.delete(type)
      return true
    },
    /** Only the subscription to the type as a whole; those to single documents stay. @returns whether nothing of the type is left */
    removeWhole(type: string): boolean {
      const known = types.get(type)
      if (!known) return true
      if (known.whole) count--
      known.whole = false
      if (known.ids.size > 0) return false
      types.delete(type)
      return true
    },
    /** Whether an event is listened to: a subscription to the type covers all ids. */
    covers(type: string, id: string | undefined): boolean {
      const known = types.get(type)
      return known !== undefined && (known.whole || (id !== undefined && known.ids.has(id)))
    },
    /** Whether anything of a type is listened to. */
    hears: (type: string): boolean => types.has(type),
    /** Each subscription; the id is empty for a whole type. */
    all: (): { type: string; id: string }[] =>
      [...types].flatMap(([type, { whole, ids }]) => [
        ...(whole ? [{ type, id: '' }] : []),
        ...[...ids].map(id => ({ type, id })),
      ]),
  }
}

export type Subscriptions = ReturnType<typeof createSubscriptions>
