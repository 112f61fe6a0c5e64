/** One field of the account form, as the manifest declares it (`protocol/manifest.md` section 3). */
export interface FieldSpec {
  readonly type?: string
  readonly required?: boolean
  /** Older spelling of `required`. */
  readonly isRequired?: boolean
  readonly role?: string
  readonly identifier?: boolean
  readonly encrypted?: boolean
  readonly default?: unknown
  readonly options?: readonly { readonly value: string; readonly name?: string; readonly label?: string }[]
  readonly [other: string]: unknown
}

export type FieldSpecs = { readonly [name: string]: FieldSpec }

/**
 * The values a konnector gets for these fields: checkboxes are booleans, dropdowns with options one of their values, the
 * rest text; `required: false` makes a field optional.
 *
 * TypeScript widens an imported JSON manifest (`"type": string`), which hides some of it. For such a field: text, except
 * with a boolean `default`, which only checkboxes have; a `required` that is only known to be a boolean counts as
 * optional. Declare the field under `fields` to say it exactly.
 */
export type FieldValues<F> = keyof F extends never
  ? Record<string, unknown>
  : Simplify<
      { -readonly [K in keyof F as IsOptional<F[K]> extends true ? never : Declared<K>]: ValueOf<F[K]> } & {
        -readonly [K in keyof F as IsOptional<F[K]> extends true ? Declared<K> : never]?: ValueOf<F[K]>
      }
    >

type Simplify<T> = { [K in keyof T]: T[K] } & {}
/** These hold a folder choice of 2017, not a value (`manifest.md` section 3.3). */
type Declared<K> = K extends 'advancedFields' | 'advanced_fields' ? never : K
type TypeOf<S> = S extends { readonly type: infer T } ? T : 'text'

type ValueOf<S> =
  IsCheckbox<S> extends true
    ? boolean
    : S extends { readonly type: 'dropdown'; readonly options: readonly (infer O)[] }
      ? O extends { readonly value: infer V extends string }
        ? V
        : string
      : string

type IsCheckbox<S> = S extends { readonly type: 'checkbox' }
  ? true
  : string extends TypeOf<S>
    ? S extends { readonly default: boolean }
      ? true
      : false
    : false

/** `required: boolean`, what a widened JSON manifest says, counts as optional. */
type IsOptional<S> =
  IsCheckbox<S> extends true
    ? false
    : S extends { readonly required: infer R }
      ? NotTrue<R>
      : S extends { readonly isRequired: infer R }
        ? NotTrue<R>
        : false

type NotTrue<R> = [R] extends [true] ? false : true

/** Types that may stay empty although nothing says `required: false`: no person fills them in. */
const NOT_ASKED = new Set(['hidden', 'checkbox', 'folder', 'account'])

/**
 * Values in the shape that `FieldValues` promises: checkboxes become booleans, defaults are filled in.
 * @param values what the account holds, undeclared ones included: they are kept
 * @returns the values, and the names of required fields that hold nothing
 */
export function readFields(
  specs: FieldSpecs,
  values: Record<string, unknown>,
): { fields: Record<string, unknown>; missing: string[] } {
  const fields = { ...values }
  const missing: string[] = []
  for (const [name, spec] of Object.entries(specs)) {
    if (name === 'advancedFields' || name === 'advanced_fields') continue
    const value = isEmpty(fields[name]) ? defaultOf(spec) : fields[name]
    if (spec.type === 'checkbox') fields[name] = isChecked(value)
    else if (!isEmpty(value)) fields[name] = value
    else if ((spec.required ?? spec.isRequired ?? true) !== false && !NOT_ASKED.has(spec.type ?? 'text'))
      missing.push(name)
    else delete fields[name]
  }
  return { fields, missing }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function isChecked(value: unknown): boolean {
  return value === true || value === 'true' || value === 'on' || value === '1' || value === 1
}

function defaultOf(spec: FieldSpec): unknown {
  const value = spec.default
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}
