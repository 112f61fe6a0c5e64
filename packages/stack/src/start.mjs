// The server's first file, in plain JavaScript: what it loads is TypeScript, which Node turns into JavaScript at every start
// unless the result is kept. Kept, a start is about twice as fast and takes 22 MB less (the stripper is never loaded).
// It is kept beside the code, and as trustworthy as the code; where that cannot be written, a start only takes longer.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'code'))
await import('./main.ts')
