import type { Route } from '#ground/http/route'
import { type LoginDeps, loginRoutes } from './login.ts'
import { pageRoutes } from './pages.ts'

/** What this room answers on the public listener. */
export const authRoutes = (deps: LoginDeps): Route[] => [...loginRoutes(deps), ...pageRoutes(deps)]
