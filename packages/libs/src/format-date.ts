/** @param date anything `new Date` takes @returns `yyyy-MM-dd` in local time @throws RangeError on an invalid date */
export function formatDate(date: Date | string | number): string {
  const day = new Date(date)
  if (Number.isNaN(day.getTime())) throw new RangeError('Invalid time value')
  const pad = (value: number, width: number) => String(value).padStart(width, '0')
  return `${pad(day.getFullYear(), 4)}-${pad(day.getMonth() + 1, 2)}-${pad(day.getDate(), 2)}`
}
