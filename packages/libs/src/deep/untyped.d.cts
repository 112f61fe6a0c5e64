/** Deep imports of the former library: kept for konnectors that have them, untyped as they were. Use the index. */
// biome-ignore lint/suspicious/noExplicitAny: untyped
declare const untyped: any
export = untyped
