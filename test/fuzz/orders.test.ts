/** release, restore-released and renew under mutated requests. */
import t from 'tap'
import { FULL } from './protocol-fuzz.ts'
import { fuzzVerb } from './shard-verbs.ts'

t.setTimeout(FULL ? 3_600_000 : 120_000)

for (const verb of ['release', 'restore-released', 'renew'] as const) t.test(verb, (t) => fuzzVerb(t, verb))
