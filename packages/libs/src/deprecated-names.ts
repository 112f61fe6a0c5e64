import { deprecated } from './deprecated.ts'
import { hydrateAndFilter } from './hydrate-and-filter.ts'
import requestFactory from './request/index.ts'

/** @deprecated use `hydrateAndFilter`. Says so at each call. */
export const filterData: typeof hydrateAndFilter = /* @__PURE__ */ deprecated(
  hydrateAndFilter,
  'filterData',
  'hydrateAndFilter',
)

/** @deprecated use `requestFactory`. Says so at each call. */
export const request: typeof requestFactory = /* @__PURE__ */ deprecated(requestFactory, 'request', 'requestFactory')
