import { konnectorSuite } from '../konnector-suite.ts'

konnectorSuite('bubblewrap')
