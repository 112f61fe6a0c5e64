// biome-ignore lint/suspicious/noExplicitAny: `$` and selections belong to the konnector's own cheerio
type Any = any

/** The rows of a table itself, without those of tables inside it. */
export function rowsOf($: Any, $table: Any): Any[] {
  const own = $table.get(0)
  return $table
    .find('tr')
    .toArray()
    .filter((row: Any) => $(row).closest('table').get(0) === own)
}

/**
 * Number of columns: those of the first row, or more where a later row has more cells.
 * A colspan of a later row makes no column, it is cut down to fit (exports.md section 20).
 */
export function tableWidth($: Any, $table: Any): number {
  const rows = rowsOf($, $table).map(row => $(row).children('td,th').toArray())
  const first = (rows[0] ?? []).reduce((width: number, cell: Any) => width + wantedColspan($(cell).attr('colspan')), 0)
  return Math.max(first, ...rows.map(cells => cells.length))
}

/**
 * @param attribute the cell's `colspan`
 * @param room columns left for it
 * @returns columns the cell gets, at least 1
 */
export function fitColspan(attribute: string | undefined, room: number): number {
  return Math.max(1, Math.min(wantedColspan(attribute), room))
}

function wantedColspan(attribute: string | undefined): number {
  return Math.max(1, Number.parseInt(attribute ?? '', 10) || 1)
}
